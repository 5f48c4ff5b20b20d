import { isHttpError } from 'sluice'
import { xhr, type XhrOptions } from 'sluice/engines/xhr'
import { describe, expect, it } from 'vitest'
import { refusal, send, sent, type Given, type Sent } from '../support/send.ts'
import { ScriptedXhr } from './xhr/scripted.ts'

// What Chromium makes of it is in test/browser. Here a stand-in says what a test wants to hear.

/** Sends a request by a stand-in. */
function begin(given: Given = {}, options: XhrOptions = {}): { one: Sent; fake: ScriptedXhr } {
  const fake = new ScriptedXhr()
  const engine = xhr({ ...options, make: () => fake as unknown as XMLHttpRequest }).create()
  return { one: send(engine, 'https://api.test/', given), fake }
}

async function turn(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

describe('the options', () => {
  it.each([
    [{ withCredentials: 'yes' }, 'The option withCredentials of xhr must be true or false, not "yes".'],
    [{ timeout: 1 }, 'xhr has no option "timeout"; it has withCredentials, make.'],
  ])('%o are refused in a sentence', (options, message) => {
    expect(() => xhr(options as XhrOptions)).toThrow(expect.objectContaining({ code: 'CONFIG', message }))
  })

  it('say whether cookies go along', async () => {
    for (const withCredentials of [true, false]) {
      const { fake } = begin({}, { withCredentials })
      await turn()
      expect(fake.withCredentials).toBe(withCredentials)
    }
  })

  it('do not help where there is no XMLHttpRequest', () => {
    expect(() => xhr().create()).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: 'This platform has no XMLHttpRequest; use fetch() of sluice/engines/fetch, or undici() on Node.',
      }),
    )
  })
})

describe('a request', () => {
  it('goes with its fields, but for the length, which is for the platform to set', async () => {
    const { one, fake } = begin({ method: 'POST', headers: { 'x-one': 'a' }, body: 'four' })
    await turn()
    expect(fake.opened).toEqual(['POST', 'https://api.test/'])
    expect(fake.fields).toEqual([['x-one', 'a']])
    expect(fake.body).toEqual(new TextEncoder().encode('four'))
    expect(one.kinds).toEqual(['sent'])
  })

  it.each([
    [{ headers: { cookie: 'a=b' } }, 'has the header cookie, which this platform sets itself or not at all'],
    [{ headers: { 'Sec-Thing': 'a' } }, 'has the header sec-thing, which this platform sets itself or not at all'],
    [{ method: 'GET', body: 'x' }, "has a body, which this platform's xhr does not send with GET"],
  ])('with %o is UNSUPPORTED: the platform would change it without a word', async (given, why) => {
    const { one, fake } = begin(given)
    const { failure } = await one.over
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(failure?.message).toBe(`GET https://api.test/ ${why}; engines that can: undici, http2, http.`)
    expect(fake.opened).toBeUndefined()
  })

  it('whose body has no length is UNSUPPORTED, and its source is never opened', async () => {
    let opened = false
    async function* source(): AsyncGenerator<Uint8Array> {
      opened = true
      yield new Uint8Array(1)
    }
    const { failure } = await begin({ method: 'POST', body: source() }).one.over
    expect(failure?.message).toContain('needs streamingUpload, which the engine xhr cannot do on this platform')
    expect(opened).toBe(false)
  })

  it('whose body is a Blob goes when all of it is there', async () => {
    const { fake } = begin({ method: 'POST', body: new Blob(['four', 'teen']) })
    await expect.poll(() => fake.body).toBeInstanceOf(Blob)
    expect(await (fake.body as Blob).text()).toBe('fourteen')
  })

  it('that is left in the turn in which it was begun is never opened', async () => {
    const { one, fake } = begin()
    one.exchange.abort()
    await turn()
    expect([fake.opened, one.events, one.ends]).toEqual([undefined, [], 0])
  })

  it('that is left is aborted, and nothing more is heard of it', async () => {
    const { one, fake } = begin()
    await turn()
    one.exchange.abort()
    fake.answer(200, 'late')
    expect([fake.aborted, one.kinds, one.ends]).toEqual([1, ['sent'], 0])
  })

  it('that the platform refuses with an exception is UNSUPPORTED', async () => {
    const fake = new ScriptedXhr()
    fake.open = () => {
      throw new Error('not this one')
    }
    const engine = xhr({ make: () => fake as unknown as XMLHttpRequest }).create()
    const error = await refusal(engine, 'https://api.test/')
    expect(error).toMatchObject({ code: 'UNSUPPORTED', requestWritten: 'no' })
    expect(error.message).toBe('GET https://api.test/ is refused by this platform: not this one')
  })
})

describe('the progress of an upload', () => {
  it('is told when asked for, and ends once', async () => {
    const { one, fake } = begin({ method: 'POST', body: 'x'.repeat(100), progress: true })
    await turn()
    for (const loaded of [40, 100]) fake.upload.onprogress?.({ loaded })
    fake.upload.onload?.()
    fake.upload.onload?.()
    expect(one.all('progress')).toEqual([
      { type: 'progress', way: 'up', loaded: 40, total: 100 },
      { type: 'progress', way: 'up', loaded: 100, total: 100, done: true },
    ])
  })

  it('is not listened for when nobody asks: listening makes a browser ask other origins first', async () => {
    const { fake } = begin({ method: 'POST', body: 'x' })
    await turn()
    expect(fake.upload).toEqual({})
  })
})

describe('an answer', () => {
  it('comes as a head with its fields, and one chunk', async () => {
    const { one, fake } = begin()
    await turn()
    fake.answer(404, 'gone', 'x-one: a: b\r\nx-empty: \r\n')
    const { kinds, head, text } = await one.over
    expect(kinds).toEqual(['sent', 'head', 'chunk'])
    expect([head?.status, head?.headers.get('x-one'), head?.headers.get('x-empty'), text]).toEqual([
      404,
      'a: b',
      '',
      'gone',
    ])
  })

  it('that is shorter than announced is none', async () => {
    const { one, fake } = begin()
    await turn()
    fake.answer(200, 'four', 'content-length: 10\r\n')
    expect((await one.over).failure).toMatchObject({
      code: 'BODY',
      phase: 'body',
      message: 'GET https://api.test/ was cut off after 4 of 10 bytes of the body of its answer.',
    })
  })

  it('is held back while it is paused', async () => {
    const { one, fake } = begin()
    await turn()
    one.exchange.pause()
    fake.answer(200, 'held')
    await turn()
    expect(one.kinds).toEqual(['sent', 'head'])
    one.exchange.resume()
    expect((await one.over).text).toBe('held')
  })

  it('that does not come is an error that says how little is known', async () => {
    const { one, fake } = begin({ method: 'POST', body: 'x' })
    await turn()
    fake.onerror?.()
    const { failure } = await one.over
    expect(failure).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'maybe' })
    expect(failure?.message).toContain('got no answer, and this platform does not tell why')
  })

  it('that breaks off is an error that says how far it came', async () => {
    const { one, fake } = begin()
    await turn()
    fake.head(200, 'content-length: 10\r\n')
    fake.onprogress?.({ loaded: 3 })
    fake.onerror?.()
    expect((await one.over).failure?.message).toContain('was cut off after 3 of 10 bytes')
  })
})

describe('the end of an engine', () => {
  it('waits for what runs, and takes nothing more', async () => {
    const fake = new ScriptedXhr()
    const engine = xhr({ make: () => fake as unknown as XMLHttpRequest }).create()
    const one = sent(engine, 'https://api.test/')
    await turn()
    const closed = engine.close()
    fake.answer(200, 'late')
    expect((await one).text).toBe('late')
    await closed
    const error = await refusal(engine, 'https://api.test/')
    expect([isHttpError(error), error.code, error.requestWritten]).toEqual([true, 'CLOSED', 'no'])
  })
})
