import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Engine } from 'sluice'
import { http, type HttpOptions } from 'sluice/engines/http'
import { reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { refusal, send, sent } from '../../support/send.ts'

const engines: Engine[] = []

function open(options?: HttpOptions): Engine {
  const engine = http(options).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

/** A source of so many bytes that knows whether it was opened and how often it was left. */
function source(bytes: number) {
  const seen = { opened: 0, returned: 0 }
  const body = (): AsyncIterable<Uint8Array> => ({
    [Symbol.asyncIterator]() {
      seen.opened++
      let left = bytes
      return {
        async next() {
          if (left === 0) return { done: true as const, value: undefined }
          const value = new Uint8Array(Math.min(left, 16_384))
          left -= value.length
          return { done: false as const, value }
        },
        async return() {
          seen.returned++
          return { done: true as const, value: undefined }
        },
      }
    },
  })
  return { seen, body }
}

describe('a request on the wire', () => {
  it('has its method, target and headers in the case and order in which they were given', async () => {
    await using server = await serve({ '/*': reply.status(204) })
    const headers = [
      ['X-One', 'a'],
      ['x-two', 'b'],
      ['X-TWO', 'c'],
      ['X-One', 'd'],
    ] as const
    await sent(open(), `${server.url}a%20b?q=%C3%A9&r`, { method: 'Report', headers })
    const [request] = server.requests
    expect(request?.method).toBe('Report')
    expect(request?.target).toBe('/a%20b?q=%C3%A9&r')
    expect(request?.rawHeaders).toEqual([
      ...['Host', `127.0.0.1:${server.port}`],
      ...['Connection', 'keep-alive'],
      ...headers.flat(),
    ])
  })

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'REPORT'])(
    'frames the body of a %s, known or not, so that no byte of it can be taken for another request',
    async method => {
      await using server = await serve({ '/*': reply.status(204) })
      const engine = open({ connectionsPerOrigin: 1 })
      await sent(engine, server.url, { method, body: 'GET / HTTP/1.1\r\n\r\n' })
      await sent(engine, server.url, { method, body: source(100).body })
      await sent(engine, server.url, { method })
      expect(server.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([18, 100, 0])
      expect(server.requests[0]?.headers['content-length']).toBe('18')
      expect(server.requests[1]?.headers['transfer-encoding']).toBe('chunked')
      expect(server.errors).toEqual([])
      expect(server.connections.length).toBe(1)
    },
  )

  it('is shown to configure before it is written', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const seen: unknown[] = []
    const engine = open({
      configure: request => {
        seen.push(request.method, request.path, server.requests.length)
        request.once('socket', socket => seen.push(socket.remotePort))
      },
    })
    expect((await sent(engine, `${server.url}a`)).text).toBe('x')
    expect(seen).toEqual(['GET', '/a', 0, server.port])
  })

  it('is not sent when it is left in configure', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    let leave = (): void => undefined
    const engine = open({
      configure: () => {
        leave()
      },
    })
    const { seen, body } = source(100_000)
    const left = send(engine, server.url, { method: 'POST', body })
    leave = () => {
      leave = () => undefined
      left.exchange.abort()
    }
    await server.closed(1)
    expect((await sent(engine, server.url)).text).toBe('x')
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
    expect([left.ends, left.kinds, seen]).toEqual([0, ['connection'], { opened: 1, returned: 1 }])
  })

  it('is not sent when configure throws', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const cause = new Error('not today')
    const engine = open({
      configure: () => {
        throw cause
      },
    })
    const error = await refusal(engine, server.url)
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', requestWritten: 'no', cause })
    expect(error.message).toBe(`GET ${server.url} cannot be sent: not today.`)
    expect(server.requests).toEqual([])
    expect(engine.stats?.()).toMatchObject({ busy: 0, queued: 0 })
  })
})

describe('a connection that serves many', () => {
  it('keeps nothing of the requests it has served', async () => {
    await using server = await serve({
      'GET /': reply.text('x'),
      'GET /chunked': { body: 'x', framing: 'chunked', trailers: { 'x-sum': '1' } },
      'GET /none': reply.status(304),
      'HEAD /': reply.text('x'),
      'POST /': { body: 'x', informational: [{ status: 103 }] },
      'DELETE /': reply.status(204),
    })
    const sockets = new Set<Socket>()
    const engine = open({
      expectContinue: { from: 1000 },
      configure: request => {
        request.once('socket', socket => sockets.add(socket))
      },
    })
    const round = async (): Promise<Record<string, number>> => {
      await sent(engine, server.url)
      await sent(engine, `${server.url}chunked`)
      await sent(engine, `${server.url}none`)
      await sent(engine, server.url, { method: 'HEAD' })
      await sent(engine, server.url, { method: 'POST', body: 'x' })
      await sent(engine, server.url, { method: 'POST', body: source(50_000).body })
      await sent(engine, server.url, { method: 'DELETE' })
      while (engine.stats?.().idle !== 1) await new Promise(resolve => setImmediate(resolve))
      const [socket] = sockets
      return Object.fromEntries(socket?.eventNames().map(name => [String(name), socket.listenerCount(name)]) ?? [])
    }
    const first = await round()
    for (let rounds = 0; rounds < 10; rounds++) await round()
    expect(await round()).toEqual(first)
    expect(sockets.size).toBe(1)
    expect([...sockets].map((socket): unknown => Reflect.get(socket, '_httpMessage'))).toEqual([null])
  })
})

describe('a body that waits to be asked for', () => {
  const small = { from: 100, wait: 10_000 }

  it('is sent when the server asks for it, and the asking is told', async () => {
    await using server = await serve({ '/*': async request => reply.text(String((await request.bytes()).length)) })
    for (const body of ['x'.repeat(100), source(50_000).body]) {
      const one = await sent(open({ expectContinue: small }), server.url, { method: 'POST', body })
      expect(server.requests.at(-1)?.headers['expect']).toBe('100-continue')
      expect(one.all('informational').map(({ status }) => status)).toEqual([100])
      expect(one.kinds).toEqual(['connection', 'sent', 'informational', 'head', 'chunk'])
      expect(one.text).toBe(String(typeof body === 'string' ? 100 : 50_000))
    }
  })

  it('is only a large one, or one of unknown length, and only when that is wanted', async () => {
    await using server = await serve({ '/*': reply.status(204) })
    const expects = async (
      options: HttpOptions,
      body: string | (() => AsyncIterable<Uint8Array>),
    ): Promise<boolean> => {
      await sent(open(options), server.url, { method: 'POST', body })
      return server.requests.at(-1)?.headers['expect'] !== undefined
    }
    expect(await expects({ expectContinue: small }, 'x'.repeat(99))).toBe(false)
    expect(await expects({ expectContinue: small }, 'x'.repeat(100))).toBe(true)
    expect(await expects({ expectContinue: true }, 'x'.repeat(1_048_575))).toBe(false)
    expect(await expects({ expectContinue: true }, 'x'.repeat(1_048_576))).toBe(true)
    expect(await expects({ expectContinue: {} }, source(1).body)).toBe(true)
    expect(await expects({ expectContinue: false }, source(1).body)).toBe(false)
    expect(await expects({}, source(1).body)).toBe(false)
  })

  it('is sent when the server does not say a word within the time', async () => {
    await using server = await serve({ 'POST /': { body: 'x', continue: false } })
    const before = performance.now()
    const { seen, body } = source(50_000)
    const one = await sent(open({ expectContinue: { from: 0, wait: 120 } }), server.url, { method: 'POST', body })
    expect(performance.now() - before).toBeGreaterThan(110)
    expect(one.kinds).toEqual(['connection', 'sent', 'head', 'chunk'])
    expect(server.requests[0]?.bodyBytes).toBe(50_000)
    expect(seen).toEqual({ opened: 1, returned: 0 })
  })

  it('is never opened nor sent when the server answers by the head alone, and its connection serves no other', async () => {
    await using server = await serve({
      'POST /': reply.text('too large', { status: 413, early: true, continue: false }),
      'GET /': reply.text('next'),
    })
    const { seen, body } = source(50_000)
    const engine = open({ expectContinue: small })
    const one = await sent(engine, server.url, { method: 'POST', body })
    expect([one.head?.status, one.text]).toEqual([413, 'too large'])
    expect(seen.opened).toBe(0)
    expect((await sent(engine, server.url)).text).toBe('next')
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2])
    expect(server.requests[0]?.bodyBytes).toBe(0)
  })

  it('is sent without asking when the server does not know that question', async () => {
    await using server = await serve({
      'POST /': request =>
        request.headers['expect'] === undefined
          ? reply.text('done')
          : reply.text('what?', { status: 417, early: true, continue: false }),
    })
    const { seen, body } = source(50_000)
    const one = await sent(open({ expectContinue: small }), server.url, { method: 'POST', body })
    expect(one.text).toBe('done')
    expect(server.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([0, 50_000])
    expect(seen).toEqual({ opened: 1, returned: 0 })
  })

  it('is not sent once nobody waits for the answer', async () => {
    await using server = await serve({ 'POST /': { continue: false, fault: { kind: 'stall', at: 'before-head' } } })
    const { seen, body } = source(50_000)
    const one = send(open({ expectContinue: { from: 0, wait: 50 } }), server.url, { method: 'POST', body })
    await server.received()
    one.exchange.abort()
    await server.closed(1)
    expect(seen.opened).toBe(0)
    expect(one.ends).toBe(0)
  })

  it('that fails when it is opened is BODY, and the head that went before does not count as whole', async () => {
    await using server = await serve({ 'POST /': reply.text('x') })
    const cause = new Error('the disk is gone')
    const body = (): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]() {
        throw cause
      },
    })
    const error = await refusal(open({ expectContinue: small }), server.url, { method: 'POST', body })
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'yes', cause })
    await server.closed(1)
    expect(server.requests.every(({ complete }) => !complete)).toBe(true)
  })
})

describe('a server that answers and goes on reading', () => {
  it('has its connection closed with the end of the answer, since the rest of the body has no reader', async () => {
    const heads: string[] = []
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', data => {
        heads.push(data.toString('latin1').split('\r\n')[0] ?? '')
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { seen, body } = source(Infinity)
    const engine = open({ connectionsPerOrigin: 1 })
    expect((await sent(engine, url, { method: 'POST', body })).text).toBe('ok')
    expect(seen.returned).toBe(1)
    expect((await sent(engine, url)).text).toBe('ok')
    expect(heads).toEqual(['POST / HTTP/1.1', 'GET / HTTP/1.1'])
    await engine.destroy()
    await new Promise(resolve => server.close(resolve))
  })
})
