import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Engine } from 'sluice'
import { http2, type Http2Options } from 'sluice/engines/http2'
import { afterEach, describe, expect, it } from 'vitest'
import { fieldsOf } from '../../../engines/http2/fields.ts'
import { HttpHeaders, HttpRequest } from '../../../src/index.ts'
import { serve } from '../../../testing/serve.ts'
import { reply } from '../../../testing/serve/reply.ts'
import { settled } from '../../../testing/contract/watch.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { refusal, send, sent, type Sent } from '../../support/send.ts'
import {
  ACK,
  DATA,
  data,
  END_STREAM,
  frame,
  frameServer,
  head,
  HEADERS,
  SETTINGS,
  WINDOW_UPDATE,
  words,
} from './frames.ts'

const engines: Engine[] = []

function open(options?: Http2Options): Engine {
  const engine = http2({ mode: 'h2c', ...options }).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

const MIB = 1024 * 1024

/** A server of Node's own. */
async function nodeServer(answer: (stream: ServerHttp2Stream, path: string) => void) {
  const sockets = new Set<Socket>()
  const server: Http2Server = createServer()
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    answer(stream, String(headers[':path']))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const paused = {
  seen: (event: { type: string }, { exchange }: Sent) => {
    if (event.type === 'head') queueMicrotask(() => exchange.pause())
  },
}

describe('an answer that is held back', () => {
  it('costs no more than its window, and eight of them do not slow a ninth', async () => {
    let asked = 0
    const chunk = Buffer.alloc(64 * 1024)
    await using server = await nodeServer((stream, path) => {
      stream.respond({ ':status': 200 })
      if (path === '/quick') {
        stream.end('quick')
        return
      }
      if (path === '/large') {
        stream.end(Buffer.alloc(4 * MIB))
        return
      }
      const fill = (): void => {
        do asked += chunk.length
        while (stream.write(chunk))
        stream.once('drain', fill)
      }
      fill()
    })
    const engine = open()
    const before = process.memoryUsage().arrayBuffers
    const held = Array.from({ length: 8 }, () => send(engine, server.url, paused))
    const left = await settled(() => asked)
    expect(left / 8).toBeLessThan(1.25 * MIB)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * MIB)
    const took: number[] = []
    for (let round = 0; round < 20; round++) {
      const start = performance.now()
      expect((await sent(engine, `${server.url}quick`)).text).toBe('quick')
      took.push(performance.now() - start)
    }
    expect(took.toSorted((a, b) => a - b)[10]).toBeLessThan(50)
    expect((await sent(engine, `${server.url}large`)).size).toBe(4 * MIB)
    expect(server.sockets.size).toBe(1)
    for (const { exchange } of held) exchange.abort()
  })

  it('lets the server send no more than the window and what Node buffers, and goes on where it stopped', async () => {
    let out = 0
    await using server = await frameServer({
      seen: ({ type, stream, payload }, wire) => {
        if (type === HEADERS) wire.send(head(stream))
        // The server sends whatever it may, in frames of at most 16 000 bytes.
        let may = type === HEADERS ? 65_535 : type === WINDOW_UPDATE && stream !== 0 ? payload.readUInt32BE(0) : 0
        for (; may > 0 && out < 1_000_000; may -= 16_000) {
          const bytes = Math.min(may, 16_000, 1_000_000 - out)
          out += bytes
          wire.send(data(stream, Buffer.alloc(bytes), out === 1_000_000 ? END_STREAM : 0))
        }
      },
    })
    const one = send(open({ streamWindow: 65_535 }), server.url, paused)
    await server.until(([wire]) => wire?.streams.length === 1)
    const settings = server.wires[0]?.frames.find(({ type, flags }) => type === SETTINGS && (flags & ACK) === 0)
    const values = new Map<number, number>()
    for (let at = 0; at < (settings?.payload.length ?? 0); at += 6)
      values.set(settings?.payload.readUInt16BE(at) ?? 0, settings?.payload.readUInt32BE(at + 2) ?? 0)
    // SETTINGS_INITIAL_WINDOW_SIZE and SETTINGS_ENABLE_PUSH (RFC 9113 §6.5.2).
    expect([values.get(4), values.get(2)]).toEqual([65_535, 0])
    expect(await settled(() => out, 100)).toBeLessThan(3 * 65_536)
    one.exchange.resume()
    await one.over
    expect(one.failure).toBeUndefined()
    expect(one.size).toBe(1_000_000)
  })
})

describe('an exchange that is left', () => {
  it.each(['waiting for its answer', 'being answered'])(
    'while it is %s resets its stream, and only that',
    async when => {
      await using server = await frameServer({
        seen: ({ type, stream }, wire) => {
          if (type !== HEADERS) return
          if (stream === 1 && when === 'being answered') wire.send(head(1), data(1, 'some'))
          if (stream === 3) wire.send(head(3), data(3, 'other', END_STREAM))
        },
      })
      const engine = open()
      const one = send(engine, server.url)
      await until(() => (when === 'being answered' ? one.size > 0 : one.kinds.includes('sent')))
      await server.until(([wire]) => wire?.streams.length === 1)
      one.exchange.abort()
      expect(engine.stats?.()).toMatchObject({ open: 1 })
      expect((await sent(engine, server.url)).text).toBe('other')
      expect(server.wires.map(({ resets }) => resets)).toEqual([['1: 8']])
      expect(one.ends).toBe(0)
    },
  )

  it('in the turn in which it was sent is never written, whatever it is', async () => {
    await using server = await serve({ '/*': reply.text('x') }, { protocol: 'h2c' })
    const engine = open()
    await sent(engine, server.url)
    for (let round = 0; round < 3; round++)
      send(engine, `${server.url}left`, { method: 'POST', body: 'x' }).exchange.abort()
    await sent(engine, server.url)
    expect(server.requests.map(({ target }) => target)).toEqual(['/', '/'])
  })

  it('while it waits for room on a session is never written', async () => {
    await using server = await frameServer({
      greeting: frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 3]), words(1)])),
      seen: ({ type, stream }, wire) => {
        if (type === HEADERS && stream > 1) wire.send(head(stream), data(stream, 'next', END_STREAM))
      },
    })
    const engine = open({ connectionsPerOrigin: 1 })
    const first = send(engine, server.url)
    await server.until(([wire]) => wire?.streams.length === 1)
    const queued = send(engine, `${server.url}queued`, { method: 'POST', body: 'x' })
    const next = send(engine, server.url)
    expect(engine.stats?.()).toMatchObject({ open: 1, queued: 2 })
    expect(await refusal(engine, server.url, { limits: { queue: 40 } })).toMatchObject({
      code: 'TIMEOUT',
      phase: 'queue',
    })
    queued.exchange.abort()
    server.wires[0]?.send(head(1), data(1, 'first', END_STREAM))
    expect((await first.over).text).toBe('first')
    expect((await next.over).text).toBe('next')
    expect(server.wires[0]?.streams).toEqual([1, 3])
  })

  it('in the middle of an upload resets it, so that it never looks whole, and stops its source once', async () => {
    await using server = await frameServer()
    let returned = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: Buffer.alloc(1000) }) as const,
        return: async () => {
          returned++
          return { done: true, value: undefined } as const
        },
      }),
    }
    const engine = open()
    const one = send(engine, server.url, { method: 'POST', body: source })
    await server.until(([wire]) => (wire?.frames.filter(({ type }) => type === DATA).length ?? 0) > 3)
    one.exchange.abort()
    await server.until(([wire]) => (wire?.resets.length ?? 0) > 0)
    expect(server.wires[0]?.resets).toEqual(['1: 8'])
    expect(server.wires[0]?.frames.some(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0)).toBe(false)
    expect(returned).toBe(1)
  })
})

describe('300 requests left at any time', () => {
  it('leave nothing open, and the session works', async () => {
    using leaks = watchLeaks()
    let openSources = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      openSources++
      try {
        for (;;) {
          await new Promise(resolve => setImmediate(resolve))
          yield Buffer.alloc(16_384)
        }
      } finally {
        openSources--
      }
    }
    {
      await using server = await serve(
        {
          'GET /down': reply.bytes(Infinity),
          'POST /up': { fault: { kind: 'stall', at: 'before-head' } },
          'GET /': reply.text('well'),
        },
        { protocol: 'h2c' },
      )
      const engine = open()
      for (let round = 0; round < 30; round++) {
        const ten = Array.from({ length: 10 }, (_, at) =>
          send(
            engine,
            server.url + (at % 2 === 0 ? 'down' : 'up'),
            at % 2 === 0 ? {} : { method: 'POST', body: source() },
          ),
        )
        for (const one of ten) {
          for (let wait = (round * 7 + one.events.length) % 5; wait > 0; wait--)
            await new Promise(resolve => setImmediate(resolve))
          one.exchange.abort()
        }
        expect(ten.every(({ ends }) => ends === 0)).toBe(true)
      }
      expect((await sent(engine, server.url)).text).toBe('well')
      expect(engine.stats?.()).toMatchObject({ open: 1, idle: 1, queued: 0 })
      expect(server.connections.length).toBe(1)
      await until(() => openSources === 0)
      await engine.destroy()
    }
    await leaks.settled(2000)
  })
})

describe('streams', () => {
  it('are as many as the server takes, and another session is opened for more', async () => {
    let most = 0
    let running = 0
    const held = Promise.withResolvers<undefined>()
    await using server = await serve(
      {
        'GET /': async () => {
          most = Math.max(most, ++running)
          await held.promise
          running--
          return reply.text('x')
        },
      },
      { protocol: 'h2c', http2: { maxConcurrentStreams: 4 } },
    )
    const engine = open({ connectionsPerOrigin: 3 })
    const all = Array.from({ length: 30 }, () => sent(engine, server.url))
    await server.received(12)
    await settled(() => server.requests.length, 60)
    expect(server.requests.length).toBe(12)
    expect(engine.stats?.()).toMatchObject({ open: 3, busy: 3, queued: 18 })
    held.resolve(undefined)
    await Promise.all(all)
    expect(most).toBe(12)
    expect(server.connections.length).toBe(3)
    expect(server.errors).toEqual([])
  })

  it('are opened when the server takes more than it did', async () => {
    await using server = await frameServer({
      greeting: frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 3]), words(1)])),
    })
    const engine = open({ connectionsPerOrigin: 1 })
    for (let count = 0; count < 3; count++) send(engine, server.url)
    await server.until(([wire]) => wire?.streams.length === 1)
    server.wires[0]?.send(frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 3]), words(10)])))
    await server.until(([wire]) => wire?.streams.length === 3)
  })

  it('have the header fields of HTTP/2', async () => {
    await using server = await serve({ '/*': reply.status(204) }, { protocol: 'h2c' })
    const engine = open()
    await sent(engine, `${server.url}a?b=c`, {
      method: 'PUT',
      headers: { 'X-Upper': '1', Cookie: 'a=1; b=2' },
      body: 'x',
    })
    const { rawHeaders, target, method } = server.requests.at(-1) ?? {}
    expect([method, target]).toEqual(['PUT', '/a?b=c'])
    expect(rawHeaders).toEqual(['x-upper', '1', 'cookie', 'a=1; b=2', 'content-length', '1'])
  })

  it('have no field that belongs to a connection of HTTP/1.1, whoever set it', () => {
    const flat = [
      'Host',
      'elsewhere.test',
      'Connection',
      'close',
      'TE',
      'gzip',
      'Transfer-Encoding',
      'chunked',
      'Accept',
      '*/*',
    ]
    const request = new HttpRequest({
      id: 1,
      method: 'GET',
      url: 'https://api.test:8443/a?b=c',
      headers: HttpHeaders.received(flat),
      body: undefined,
      options: {},
      notes: undefined,
    })
    expect(fieldsOf(request)).toEqual([
      ':method',
      'GET',
      ':scheme',
      'https',
      ':authority',
      'api.test:8443',
      ':path',
      '/a?b=c',
      'accept',
      '*/*',
    ])
  })
})

describe('a session without requests', () => {
  it('is closed after keepAlive milliseconds, with a GOAWAY', async () => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2c' })
    const { endedAt } = await sent(open({ keepAlive: 60 }), server.url)
    const { closedAt = 0 } = await server.closed(1)
    expect(closedAt - endedAt).toBeGreaterThan(40)
    expect(closedAt - endedAt).toBeLessThan(1000)
  })

  it('is closed at once with keepAlive false', async () => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2c' })
    const engine = open({ keepAlive: false })
    await sent(engine, server.url)
    await server.closed(1)
    await sent(engine, server.url)
    expect(server.connections.length).toBe(2)
  })
})

/** Waits for something that happens in this process. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}
