import { describe, expect, it } from 'vitest'
import { HttpError, type Flow } from '../../src/index.ts'
import { LiveBody } from '../../src/live-body.ts'
import { reason } from './thrown.ts'

const KiB = 1024
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function body(): { live: LiveBody; asked: string[] } {
  const asked: string[] = []
  const flow: Flow = { pause: () => asked.push('pause'), resume: () => asked.push('resume') }
  return { live: new LiveBody(flow), asked }
}
const gone = (): HttpError => new HttpError('CANCELLED', 'Nobody reads this any more.')

describe('reading', () => {
  it('gives out chunks in the order in which they came, then the end, again and again', async () => {
    const { live } = body()
    live.push(bytes('a'))
    live.push(bytes('b'))
    live.finish()
    expect([await live.read(), await live.read(), await live.read(), await live.read()]).toEqual([
      bytes('a'),
      bytes('b'),
      undefined,
      undefined,
    ])
  })

  it('waits for what has not come, also several times at once', async () => {
    const { live } = body()
    const reads = [live.read(), live.read(), live.read()]
    live.push(bytes('a'))
    live.push(bytes('b'))
    live.finish()
    expect(await Promise.all(reads)).toEqual([bytes('a'), bytes('b'), undefined])
  })

  it('gives out everything that came before an error, then the error again and again', async () => {
    const { live } = body()
    live.push(bytes('a'))
    live.fail(new Error('cut'))
    expect(await live.read()).toEqual(bytes('a'))
    expect(await reason(live.read())).toEqual(new Error('cut'))
    expect(await reason(live.read())).toEqual(new Error('cut'))
  })

  it('fails a read that waits', async () => {
    const { live } = body()
    const pending = reason(live.read())
    live.fail(new Error('cut'))
    expect(await pending).toEqual(new Error('cut'))
  })

  it('ends once: what is said of the end later does not count', async () => {
    const { live } = body()
    live.finish()
    live.fail(new Error('late'))
    expect(await live.read()).toBeUndefined()
    const broken = body().live
    broken.fail(new Error('cut'))
    broken.finish()
    expect(await reason(broken.read())).toEqual(new Error('cut'))
  })

  it('makes an error of what is none', async () => {
    const { live } = body()
    live.fail(undefined)
    expect(await reason(live.read())).toEqual(new Error('The body broke off: undefined.'))
  })

  it('bothers nobody when a read that fails is not awaited', async () => {
    const { live } = body()
    void live.read()
    live.fail(new Error('cut'))
    void live.read()
    await new Promise(resolve => setImmediate(resolve))
  })
})

describe('back-pressure', () => {
  it('holds the peer back when 256 KiB wait, and lets it go when 64 KiB are left', async () => {
    const { live, asked } = body()
    live.push(new Uint8Array(64 * KiB))
    live.push(new Uint8Array(128 * KiB))
    live.push(new Uint8Array(63 * KiB))
    expect(asked).toEqual([])
    live.push(new Uint8Array(1 * KiB))
    expect(asked).toEqual(['pause'])
    live.push(new Uint8Array(1))
    expect(asked).toEqual(['pause'])
    await live.read()
    await live.read()
    expect(asked).toEqual(['pause'])
    await live.read()
    expect(asked).toEqual(['pause', 'resume'])
  })

  it('lets go when no more than 64 KiB are left, and not before', async () => {
    const { live, asked } = body()
    for (const size of [192, 1, 63]) live.push(new Uint8Array(size * KiB))
    await live.read()
    expect(asked).toEqual(['pause'])
    await live.read()
    expect(asked).toEqual(['pause', 'resume'])
  })

  it('holds back a peer that sends single bytes before they fill the memory', async () => {
    const { live, asked } = body()
    let chunks = 0
    for (; asked.length === 0; chunks++) live.push(new Uint8Array(1))
    expect(chunks).toBeLessThan(2_500)
    while (asked.length === 1) await live.read()
    expect(asked).toEqual(['pause', 'resume'])
  })

  it('holds back again after it let go', async () => {
    const { live, asked } = body()
    for (let round = 0; round < 3; round++) {
      live.push(new Uint8Array(256 * KiB))
      await live.read()
    }
    expect(asked).toEqual(['pause', 'resume', 'pause', 'resume', 'pause', 'resume'])
  })

  it('does not hold back for a reader that keeps up', async () => {
    const { live, asked } = body()
    for (let round = 0; round < 10; round++) {
      const read = live.read()
      live.push(new Uint8Array(300 * KiB))
      await read
    }
    expect(asked).toEqual([])
  })

  it('does not let go what has ended', async () => {
    const { live, asked } = body()
    live.push(new Uint8Array(300 * KiB))
    live.finish()
    await live.read()
    expect(asked).toEqual(['pause'])
  })
})

describe('giving up the rest', () => {
  it('holds the peer back, forgets what waits and ends whoever reads', async () => {
    const { live, asked } = body()
    const pending = live.read()
    live.discard()
    live.push(bytes('b'))
    expect(asked).toEqual(['pause'])
    expect(await pending).toBeUndefined()
    expect(await live.read()).toBeUndefined()
    live.discard()
    expect(asked).toEqual(['pause'])
  })

  it('asks nothing of a peer that has said everything', async () => {
    const { live, asked } = body()
    live.push(bytes('a'))
    live.finish()
    live.discard()
    expect(asked).toEqual([])
    expect(await live.read()).toBeUndefined()
  })
})

describe('the end of the call', () => {
  it('fails whoever still reads, so that nobody takes it for the end of the body', async () => {
    const { live } = body()
    const pending = reason(live.read())
    live.abandon(gone)
    expect(await pending).toMatchObject({ code: 'CANCELLED' })
    expect(await reason(live.read())).toMatchObject({ code: 'CANCELLED' })
  })

  it('fails whoever reads on, also when chunks were waiting', async () => {
    const { live } = body()
    live.push(bytes('a'))
    live.push(bytes('b'))
    await live.read()
    live.finish()
    live.abandon(gone)
    expect(await reason(live.read())).toMatchObject({ code: 'CANCELLED' })
  })

  it('changes nothing for a body that was read to its end', async () => {
    const { live } = body()
    live.push(bytes('a'))
    live.finish()
    await live.read()
    let made = 0
    live.abandon(() => {
      made++
      return gone()
    })
    expect(await live.read()).toBeUndefined()
    expect(made).toBe(0)
  })

  it('keeps the error the body broke off with', async () => {
    const { live } = body()
    live.fail(new Error('cut'))
    live.abandon(gone)
    expect(await reason(live.read())).toEqual(new Error('cut'))
  })

  it('asks nothing of the peer any more', async () => {
    const { live, asked } = body()
    live.push(new Uint8Array(300 * KiB))
    live.abandon(gone)
    live.push(new Uint8Array(300 * KiB))
    live.discard()
    await reason(live.read())
    expect(asked).toEqual(['pause'])
  })
})
