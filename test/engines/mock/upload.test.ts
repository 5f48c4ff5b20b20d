import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HttpError, UPLOAD_PROGRESS, type HttpEvent, type UploadSource } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { hear, requestTo } from './drive.ts'

// Sources are asked with promises, which RxJS's virtual time knows nothing of; these timers are virtual as well.
beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

interface Watched extends UploadSource {
  asked: number
  returned: number
}

/** A source of these chunks that counts what is asked of it; an error in the list is thrown. */
function watched(chunks: readonly (string | Error)[], length?: number): Watched {
  const source: Watched = {
    length,
    replayable: false,
    asked: 0,
    returned: 0,
    open: () => ({
      next() {
        const chunk = chunks[source.asked++]
        if (chunk instanceof Error) return Promise.reject(chunk)
        if (chunk === undefined) return Promise.resolve({ done: true, value: undefined })
        return Promise.resolve({ done: false, value: new TextEncoder().encode(chunk) })
      },
      return() {
        source.returned++
        return Promise.resolve({ done: true, value: undefined })
      },
    }),
  }
  return source
}

/** A source that never has anything. */
function silent(): Watched {
  const source = watched([])
  const iterator = source.open()
  return Object.assign(source, { open: () => ({ ...iterator, next: () => new Promise<never>(() => undefined) }) })
}

const post = (body: UploadSource | Uint8Array) => requestTo('https://api.test/', { method: 'POST', body })

describe('an upload', () => {
  it('is pulled one chunk at a time, each when the last was taken', async () => {
    const source = watched(['ab', 'cd', 'ef'])
    const api = mock({ '*': { readDelay: 10 } })
    const heard = hear(api, post(source))
    await pass(0)
    expect([source.asked, api.history[0]?.body.text()]).toEqual([1, ''])
    await pass(10)
    expect([source.asked, api.history[0]?.body.text()]).toEqual([2, 'ab'])
    await pass(10)
    expect([source.asked, api.history[0]?.body.text()]).toEqual([3, 'abcd'])
    await pass(10)
    expect(heard.completed).toBe(true)
    expect(api.history[0]?.body.chunks).toHaveLength(3)
    expect(source.returned).toBe(0)
  })

  it('is known whole to the handler that answers it, which is asked when it was read', async () => {
    const source = watched(['{"a"', ':1}'])
    const api = mock({ '*': ({ body }) => ({ body: body.json<object>() }) })
    const heard = hear(api, post(source))
    expect(api.history[0]).toMatchObject({ outcome: 'running', phase: 'send' })
    await pass(0)
    expect(heard.chunks).toEqual(['{"a":1}'])
  })

  it('is told of in steps when that is asked for, and once at its end', async () => {
    const progress = async (body: UploadSource | Uint8Array): Promise<readonly HttpEvent[]> => {
      const heard = hear(mock({ '*': 200 }), post(body).note(UPLOAD_PROGRESS, true))
      await pass(0)
      return heard.events.filter(({ type }) => type === 'progress')
    }
    const up = { type: 'progress', way: 'up' }
    expect(await progress(watched(['ab', 'cd'], 4))).toEqual([
      { ...up, loaded: 2, total: 4 },
      { ...up, loaded: 4, total: 4, done: true },
    ])
    expect(await progress(watched(['ab', 'cd']))).toEqual([
      { ...up, loaded: 2, total: undefined },
      { ...up, loaded: 4, total: undefined },
      { ...up, loaded: 4, total: undefined, done: true },
    ])
    expect(await progress(Uint8Array.of(1))).toEqual([{ ...up, loaded: 1, total: 1, done: true }])
  })

  it('that is aborted is told so once, also while a chunk is awaited', async () => {
    for (const source of [watched(['ab', 'cd']), silent()]) {
      const api = mock({ '*': { readDelay: 10 } })
      const { exchange, events } = hear(api, post(source))
      await pass(1)
      exchange.abort('enough')
      exchange.abort('again')
      await pass(100)
      expect(source.returned).toBe(1)
      expect(events.map(({ type }) => type)).toEqual(['connection', 'sent'])
      expect(api.history[0]).toMatchObject({ outcome: 'aborted', phase: 'send', reason: 'enough' })
    }
  })

  it('that is aborted before it begins is not opened', async () => {
    const source = watched(['ab'])
    const api = mock({ '*': { stall: 'connect' } })
    hear(api, post(source)).exchange.abort()
    await pass(100)
    expect([source.asked, source.returned]).toEqual([0, 0])
  })

  it('that fails fails the exchange, and is not told what it knows', async () => {
    const mishap = new HttpError('BODY', 'dry', { phase: 'send' })
    const source = watched(['ab', mishap])
    const heard = hear(mock({ '*': 200 }), post(source))
    await pass(0)
    expect(heard.error).toMatchObject({ code: 'BODY', message: 'dry' })
    expect(source.returned).toBe(0)
  })

  it('that cannot be opened fails the exchange', () => {
    const spent = new HttpError('BODY', 'spent', { phase: 'send' })
    const source: UploadSource = {
      length: undefined,
      replayable: false,
      open() {
        throw spent
      },
    }
    expect(hear(mock({ '*': 200 }), post(source)).error).toMatchObject({ code: 'BODY', message: 'spent' })
  })

  it('stops being pulled where the peer takes no more', async () => {
    const source = watched(['ab', 'cd', 'ef'])
    const api = mock({ '*': { stall: 'send', after: 3 } })
    hear(api, post(source))
    await pass(1000)
    expect([source.asked, api.history[0]?.body.text()]).toEqual([2, 'abc'])
    api.reset()
    expect(source.returned).toBe(1)
  })
})

describe('an early answer', () => {
  it('comes before the upload, which is ended when the answer is', async () => {
    const source = silent()
    const api = mock({ '*': { status: 413, early: true, chunks: ['no', 5] } })
    const heard = hear(api, post(source))
    expect(heard.events.map(({ type }) => type)).toEqual(['connection', 'sent', 'head', 'chunk'])
    expect(source.returned).toBe(0)
    await pass(5)
    expect(heard.completed).toBe(true)
    expect(source.returned).toBe(1)
  })

  it('that is whole at once leaves the upload unopened', () => {
    const api = mock({ '*': { status: 413, early: true } })
    expect(hear(api, post(watched(['ab']))).completed).toBe(true)
    expect(api.history[0]?.body.length).toBe(0)
  })

  it('comes when so many bytes were taken, and the source is told once', async () => {
    const source = watched(['ab', 'cd', 'ef'])
    const api = mock({ '*': { status: 413, early: 3 } })
    const heard = hear(api, post(source))
    await pass(0)
    expect(heard.completed).toBe(true)
    expect([source.asked, source.returned, api.history[0]?.body.text()]).toEqual([2, 1, 'abcd'])
  })

  it('lets the upload go on while it lasts', async () => {
    const source = watched(['ab', 'cd', 'ef'])
    const api = mock({ '*': { early: true, readDelay: 10, chunks: ['x', 25, 'y'] } })
    const heard = hear(api, post(source))
    await pass(24)
    expect([heard.chunks, api.history[0]?.body.text()]).toEqual([['x'], 'abcd'])
    await pass(1)
    expect(heard.completed).toBe(true)
    expect(source.returned).toBe(1)
  })
})
