import { describe, expect, it } from 'vitest'
import { clock } from '../../src/clock.ts'
import type { HttpError, RequestSummary } from '../../src/index.ts'
import { closedError, Lifetime, Running, type CloseReport } from '../../src/lifetime.ts'
import type { Owned } from '../../src/owned.ts'
import { reason } from './thrown.ts'
import { virtually } from '../support/virtual-time.ts'

/** A call in these lives, until it is cancelled or ends by itself. */
class Fake extends Running {
  override readonly summary: RequestSummary
  readonly cancelled: HttpError[] = []
  readonly #life: Lifetime

  constructor(life: Lifetime, name: string) {
    super()
    this.#life = life
    this.summary = { id: 1, method: 'GET', url: `https://api.test/${name}` }
    life.add(this)
  }

  waitedFor = 0

  override closing(): void {
    this.waitedFor++
  }

  override cancel(error: HttpError): void {
    this.cancelled.push(error)
    this.end()
  }

  end(): void {
    this.#life.delete(this)
  }
}

function call(life: Lifetime, name = 'a'): Fake {
  return new Fake(life, name)
}

function logged(log: string[], name: string, more: Partial<Owned> = {}): Owned {
  return { release: () => void log.push(name), ...more }
}

/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await settle()
  return settled
}

describe('close', () => {
  it('waits for what runs, then releases, the newest first', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'engine'))
    life.own(logged(log, 'plugin'))
    const running = call(life)
    const closed = life.close()
    expect([life.closed, life.size]).toEqual([true, 1])
    expect(await isSettled(closed)).toBe(false)
    expect(log).toEqual([])
    running.end()
    expect(await closed).toEqual({ cut: [] })
    expect(log).toEqual(['plugin', 'engine'])
  })

  it('tells what runs that it is waited for, in children too', async () => {
    const life = new Lifetime()
    const [own, ofChild] = [call(life), call(new Lifetime(life))]
    const closed = life.close()
    expect([own.waitedFor, ofChild.waitedFor]).toEqual([1, 1])
    own.end()
    ofChild.end()
    await closed
  })

  it('releases at once when what runs ends as it is told', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'engine'))
    const running = call(life)
    running.closing = () => {
      running.end()
    }
    const closed = life.close(60_000)
    expect(log).toEqual(['engine'])
    expect(await closed).toEqual({ cut: [] })
  })

  it('releases at once when nothing runs', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'engine'))
    const closed = life.close()
    expect(log).toEqual(['engine'])
    await closed
  })

  it('can be called again and again and releases once', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'engine'))
    await Promise.all([life.close(), life.close(10)])
    await life.close()
    expect(log).toEqual(['engine'])
  })

  it('waits for an asynchronous release', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const life = new Lifetime()
    life.own({ release: () => promise })
    const closed = life.close()
    expect(await isSettled(closed)).toBe(false)
    resolve(undefined)
    await closed
  })

  it.each<[string, Owned]>([
    ['rejects', { release: () => Promise.reject(new Error('disk')) }],
    [
      'throws',
      {
        release: () => {
          throw new Error('disk')
        },
      },
    ],
  ])('says when a release %s, after all others were released', async (_, failing) => {
    const log: string[] = []
    const life = new Lifetime()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    life.own({ release: () => promise.then(() => void log.push('engine')) })
    life.own(failing)
    life.own(logged(log, 'plugin'))
    const closed = reason(life.close())
    expect(await isSettled(closed)).toBe(false)
    resolve(undefined)
    expect(await closed).toEqual(new Error('disk'))
    expect(log).toEqual(['plugin', 'engine'])
    expect(await reason(life.join())).toEqual(new Error('disk'))
  })
})

describe('close with a drain time', () => {
  it('cancels what still runs then, and names it', async () => {
    const life = new Lifetime()
    const [slow, quick] = [call(life, 'slow'), call(life, 'quick')]
    let report: Promise<CloseReport> | undefined
    virtually(() => {
      report = life.close(100)
      clock.schedule(() => {
        quick.end()
      }, 99)
      clock.schedule(() => {
        expect(slow.cancelled).toEqual([])
      }, 99)
    })
    expect(quick.cancelled).toEqual([])
    expect(slow.cancelled).toMatchObject([{ code: 'CANCELLED', request: slow.summary }])
    expect(slow.cancelled[0]?.message).toBe(
      'GET https://api.test/slow was cancelled: its client was closed and still had it running 100 ms later.',
    )
    expect(await report).toEqual({ cut: [slow.summary] })
  })

  it('forgets the time when all ended before', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const life = new Lifetime()
    const running = call(life)
    const before = timers()
    const closed = life.close(60_000)
    expect(timers()).toBe(before + 1)
    running.end()
    expect(await closed).toEqual({ cut: [] })
    expect(timers()).toBe(before)
  })

  it('may be given later, to one who waits already', async () => {
    const life = new Lifetime()
    const running = call(life)
    const first = life.close()
    virtually(() => {
      void life.close(50)
    })
    expect(running.cancelled).toHaveLength(1)
    expect(await first).toEqual({ cut: [running.summary] })
  })

  it('of 0 cuts in the next turn', () => {
    const life = new Lifetime()
    const running = call(life)
    virtually(() => {
      void life.close(0)
      expect(running.cancelled).toHaveLength(0)
    })
    expect(running.cancelled).toHaveLength(1)
  })
})

describe('cancel', () => {
  it('ends everything that runs at once, and releases by force', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'engine', { force: error => void log.push(`engine by force, ${error.code}`) }))
    life.own(logged(log, 'plugin'))
    const running = [call(life, 'a'), call(life, 'b')]
    life.cancel('enough')
    expect(running.map(({ cancelled }) => cancelled)).toMatchObject([
      [
        {
          code: 'CANCELLED',
          message: 'GET https://api.test/a was cancelled: its client was cancelled.',
          cause: 'enough',
        },
      ],
      [{ code: 'CANCELLED', request: { url: 'https://api.test/b' } }],
    ])
    expect(log).toEqual(['plugin', 'engine by force, CANCELLED'])
    expect([life.closed, life.size]).toEqual([true, 0])
    await life.join()
  })

  it('again does nothing', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own(logged(log, 'plugin', { force: () => void log.push('force') }))
    life.cancel()
    life.cancel()
    await life.join()
    life.cancel()
    expect(log).toEqual(['force'])
  })

  it('cuts short a close that waits for calls', async () => {
    const life = new Lifetime()
    const running = call(life)
    const closed = life.close()
    life.cancel()
    expect(running.cancelled).toHaveLength(1)
    expect(await closed).toEqual({ cut: [] })
  })

  it('cuts short a release that takes for ever', async () => {
    const log: string[] = []
    const life = new Lifetime()
    life.own({ release: () => new Promise(() => undefined), force: () => void log.push('force') })
    const closed = life.close()
    expect(await isSettled(closed)).toBe(false)
    life.cancel()
    await closed
    expect(log).toEqual(['force'])
  })

  it('bothers nobody with a release that fails, unless somebody asks', async () => {
    const life = new Lifetime()
    life.own({ release: () => Promise.reject(new Error('disk')) })
    life.cancel()
    await settle()
    expect(await reason(life.join())).toEqual(new Error('disk'))
  })

  it('sees what is started while it cancels refused by its being closed', () => {
    const life = new Lifetime()
    const states: boolean[] = []
    class Starter extends Fake {
      override cancel(error: HttpError): void {
        states.push(life.closed)
        super.cancel(error)
      }
    }
    call(life)
    new Starter(life, 'b')
    life.cancel()
    expect(states).toEqual([true])
  })
})

describe('join', () => {
  it('resolves when all is over, without ending anything itself', async () => {
    const life = new Lifetime()
    const joined = life.join()
    expect(await isSettled(joined)).toBe(false)
    expect(life.closed).toBe(false)
    const running = call(life)
    void life.close()
    expect(await isSettled(joined)).toBe(false)
    running.end()
    await joined
  })
})

describe('what is registered after the end', () => {
  it('is released at once', async () => {
    const log: string[] = []
    const life = new Lifetime()
    await life.close()
    life.own(logged(log, 'late'))
    life.own({ release: () => Promise.reject(new Error('nobody hears')) })
    expect(log).toEqual(['late'])
    new Lifetime(life).own(logged(log, 'late child'))
    expect(log).toEqual(['late', 'late child'])
    await settle()
  })
})

describe('a child', () => {
  it('counts in its parents, and is closed with them', () => {
    const parent = new Lifetime()
    const child = new Lifetime(new Lifetime(parent))
    const running = call(child)
    expect([parent.size, child.size]).toEqual([1, 1])
    running.end()
    expect([parent.size, child.size]).toEqual([0, 0])
    void parent.close()
    expect(child.closed).toBe(true)
  })

  it('ends without its parent, and releases what is its own', async () => {
    const log: string[] = []
    const parent = new Lifetime()
    parent.own(logged(log, 'engine'))
    const child = new Lifetime(parent)
    child.own(logged(log, 'plugin'))
    const running = call(parent)
    await child.close()
    expect(log).toEqual(['plugin'])
    expect([parent.closed, child.closed, running.cancelled]).toEqual([false, true, []])
    running.end()
    await parent.close()
    expect(log).toEqual(['plugin', 'engine'])
  })

  it('cancels its own calls only', () => {
    const parent = new Lifetime()
    const child = new Lifetime(parent)
    const [own, other] = [call(child, 'own'), call(parent, 'other')]
    child.cancel()
    expect([own.cancelled.length, other.cancelled.length]).toEqual([1, 0])
  })

  it('is waited for and released by its parent', async () => {
    const log: string[] = []
    const parent = new Lifetime()
    const child = new Lifetime(parent)
    child.own(logged(log, 'plugin'))
    const running = call(child)
    const [closed, joined] = [parent.close(), child.join()]
    expect(await isSettled(Promise.race([closed, joined]))).toBe(false)
    running.end()
    await Promise.all([closed, joined])
    expect(log).toEqual(['plugin'])
    await child.close()
    expect(log).toEqual(['plugin'])
  })

  it('is cancelled by its parent', async () => {
    const parent = new Lifetime()
    const child = new Lifetime(parent)
    const running = call(child)
    parent.cancel()
    expect(running.cancelled).toHaveLength(1)
    await child.join()
  })

  it('that nobody uses any more is held by nobody', async () => {
    const parent = new Lifetime()
    const refs: WeakRef<Lifetime>[] = []
    await (async () => {
      for (let n = 0; n < 20; n++) {
        const child = new Lifetime(parent)
        call(child).end()
        refs.push(new WeakRef(child))
        if (n % 2 === 0) {
          child.own({ release: () => undefined })
          await child.close()
        }
      }
    })()
    await settle()
    globalThis.gc?.()
    expect(refs.filter(ref => ref.deref() !== undefined).length).toBeLessThan(5)
  })
})

describe('closedError', () => {
  it('says that nothing was sent', () => {
    const summary: RequestSummary = { id: 3, method: 'GET', url: 'https://api.test/?token=abc' }
    expect(closedError(summary)).toMatchObject({
      code: 'CLOSED',
      phase: 'queue',
      requestWritten: 'no',
      message: 'GET https://api.test/?token=<redacted:3> was not sent: its client is closed.',
      request: { id: 3, url: 'https://api.test/?token=<redacted:3>' },
    })
  })
})
