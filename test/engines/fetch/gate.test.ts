import { HttpHeaders, HttpRequest, type HttpError } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { send } from '../../support/send.ts'

/** A source without end that counts what becomes of it. */
class Endless implements AsyncIterable<Uint8Array> {
  produced = 0
  returned = 0;

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        await new Promise(resolve => setImmediate(resolve))
        this.produced++
        return { done: false, value: new Uint8Array(1000) }
      },
      return: async () => {
        this.returned++
        return { done: true, value: undefined }
      },
    }
  }
}

/** A platform that goes on pulling a body to its end, whatever happens to the request. */
function greedy() {
  const seen = { pulled: 0, ended: Promise.withResolvers<unknown>() }
  const platform = async (_: string, { body, signal }: RequestInit): Promise<Response> => {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    void (async () => {
      try {
        for (let step = await reader.read(); !step.done; step = await reader.read()) seen.pulled++
        seen.ended.resolve('the end')
      } catch (error) {
        seen.ended.resolve(error)
      }
    })()
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        reject(new DOMException('aborted', 'AbortError'))
      })
    })
  }
  return { seen, platform }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('an upload that is left', () => {
  it('stops its source at once and once, also where the platform keeps pulling', async () => {
    const { seen, platform } = greedy()
    const source = new Endless()
    const engine = fetch({ fetch: platform }).create()
    const one = send(engine, 'https://api.test/', { method: 'POST', body: source })
    await expect.poll(() => seen.pulled).toBeGreaterThan(3)
    one.exchange.abort()
    const { produced } = source
    const { pulled } = seen
    expect(source.returned).toBe(1)
    // It never looks like a body that is whole.
    expect(await seen.ended.promise).toMatchObject({ message: 'The upload was stopped.' })
    await turns()
    expect(source.produced - produced).toBeLessThanOrEqual(1)
    expect(seen.pulled).toBe(pulled)
    expect([source.returned, one.ends]).toEqual([1, 0])
  })

  it('before the platform asked for it never opens its source', async () => {
    await using server = await serve({ 'POST /': reply.status(204) })
    const source = new Endless()
    const engine = fetch().create()
    send(engine, server.url, { method: 'POST', body: source }).exchange.abort()
    await turns()
    expect([source.produced, source.returned, server.requests.length]).toEqual([0, 0, 0])
    await engine.destroy()
  })
})

describe('an upload', () => {
  it('produces nothing that was not asked for', async () => {
    const source = new Endless()
    const engine = fetch({ fetch: () => new Promise(() => {}) }).create()
    const one = send(engine, 'https://api.test/', { method: 'POST', body: source })
    await turns()
    expect(source.produced).toBe(0)
    one.exchange.abort()
  })

  it('tells how far it is and that it is through, also of bytes', async () => {
    await using server = await serve({ 'POST /': reply.status(204) })
    const engine = fetch().create()
    const one = await send(engine, server.url, { method: 'POST', body: new Uint8Array(150_000), progress: true }).over
    expect(one.failure).toBeUndefined()
    const told = one.all('progress').map(({ loaded, total, done }) => [loaded, total, done])
    expect(told).toEqual([
      [65_536, 150_000, undefined],
      [131_072, 150_000, undefined],
      [150_000, 150_000, undefined],
      [150_000, 150_000, true],
    ])
    expect(server.requests[0]).toMatchObject({ bodyBytes: 150_000, headers: { 'content-length': '150000' } })
    await engine.destroy()
  })

  it('whose answer comes early is stopped with the end of the answer', async () => {
    await using server = await serve({ 'POST /': reply.text('enough', { status: 413, early: true }) })
    const source = new Endless()
    const engine = fetch().create()
    const one = await send(engine, server.url, { method: 'POST', body: source }).over
    expect([one.head?.status, one.text, source.returned]).toEqual([413, 'enough', 1])
    await server.closed(1)
    await engine.destroy()
  })

  it('whose source fails is told the reason of the source, and stays unfinished', async () => {
    await using server = await serve({ 'POST /': reply.status(204) })
    const broken = new Error('the disk is gone')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1000)
      throw broken
    }
    const engine = fetch().create()
    const { failure } = await send(engine, server.url, { method: 'POST', body: source() }).over
    expect(failure).toMatchObject({ code: 'BODY', phase: 'send', cause: broken })
    await server.closed(1)
    expect(server.requests.every(({ complete }) => !complete)).toBe(true)
    await engine.destroy()
  })

  it('whose source nobody guards fails in the same words', async () => {
    await using server = await serve({ 'POST /': reply.status(204) })
    const broken = new Error('the disk is gone')
    const body = {
      length: undefined,
      replayable: false,
      open: () => {
        throw broken
      },
    }
    const engine = fetch().create()
    const fields = {
      id: 1,
      method: 'POST',
      url: server.url,
      headers: HttpHeaders.none,
      body,
      options: {},
      notes: undefined,
    }
    const error = await new Promise<HttpError>(resolve => {
      engine.exchange(new HttpRequest(fields), { next() {}, error: resolve, complete() {} })
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'maybe', cause: broken })
    expect(error.message).toBe(`POST ${server.url} could not be sent: its body failed.`)
    await engine.destroy()
  })
})
