import type { ConnectionEvent, Engine } from 'sluice'
import { http2, type Http2Options } from 'sluice/engines/http2'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { refusal, send, sent } from '../../support/send.ts'
import { serve } from '../../../testing/serve.ts'
import {
  ACK,
  block,
  CONTINUATION,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  frameServer,
  goaway,
  head,
  HEADERS,
  PING,
  reset,
  SETTINGS,
  type Frame,
  type FrameServer,
  type Wire,
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

/** A server that answers every request by `answer`. */
const answering = (answer: (stream: number, wire: Wire, index: number) => void): Promise<FrameServer> => {
  let index = 0
  return frameServer({
    seen: ({ type, stream }, wire) => {
      if (type === HEADERS) answer(stream, wire, ++index)
    },
  })
}

const whole = (stream: number): Buffer => Buffer.concat([head(stream), data(stream, 'well', END_STREAM)])

describe('an answer that is cut', () => {
  it.each([
    ['a reset with CANCEL', (s: number, wire: Wire) => wire.send(reset(s, 8)), 8],
    ['a reset with INTERNAL_ERROR', (s: number, wire: Wire) => wire.send(reset(s, 2)), 2],
    ['a reset with NO_ERROR', (s: number, wire: Wire) => wire.send(reset(s, 0)), undefined],
    ['the end of the connection', (_: number, wire: Wire) => wire.socket.end(), undefined],
    ['a reset of the connection', (_: number, wire: Wire) => wire.socket.resetAndDestroy(), undefined],
    ['a GOAWAY with an error', (s: number, wire: Wire) => wire.send(goaway(s, 2)), 2],
    ['too many bytes', (s: number, wire: Wire) => wire.send(data(s, 'x'.repeat(100), END_STREAM)), undefined],
    ['too few bytes', (s: number, wire: Wire) => wire.send(data(s, '', END_STREAM)), 1],
  ])('by %s is truncated', async (what, cut, h2Code) => {
    const length: [string, string][] = what.startsWith('too') ? [['content-length', '50']] : []
    await using server = await answering((stream, wire) =>
      wire.send(head(stream, '200', length), data(stream, 'hello')),
    )
    const engine = open()
    const error = await refusal(engine, server.url, {
      seen: event => {
        if (event.type === 'chunk') cut(1, server.wires[0] as Wire)
      },
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', requestWritten: 'yes' })
    expect(error.h2Code).toBe(h2Code)
    expect(error.message).toMatch(/was cut off after \d+( of 50)? bytes of the body of its answer\.$/)
  })

  it('is no error when it was whole before, although nobody had read it', async () => {
    await using server = await answering((stream, wire) => {
      wire.send(head(stream), data(stream, 'x'.repeat(9000), END_STREAM))
    })
    const engine = open()
    const events: ConnectionEvent[] = []
    engine.watch?.(event => events.push(event))
    const one = send(engine, server.url, {
      seen: event => {
        if (event.type !== 'head') return
        event.flow.pause()
        server.wires[0]?.socket.resetAndDestroy()
      },
    })
    await until(() => events.at(-1)?.type === 'closed')
    expect(one.ends).toBe(0)
    one.exchange.resume()
    await one.over
    expect(one.failure).toBeUndefined()
    expect(one.size).toBe(9000)
  })
})

describe('what had come of an answer that is cut', () => {
  it('is told before the failure, also to a reader who had paused', async () => {
    await using server = await answering((stream, wire) => {
      wire.send(head(stream), data(stream, 'x'.repeat(9000)))
    })
    const engine = open()
    let closed = false
    engine.watch?.(({ type }) => {
      closed ||= type === 'closed'
    })
    const one = send(engine, server.url, {
      seen: event => {
        if (event.type !== 'head') return
        event.flow.pause()
        server.wires[0]?.socket.resetAndDestroy()
      },
    })
    await until(() => closed)
    one.exchange.resume()
    await one.over
    expect(one.failure).toMatchObject({ code: 'BODY', phase: 'body' })
    expect(one.size).toBe(9000)
  })
})

describe('a request without an answer', () => {
  it.each([
    ['reset with CANCEL', (s: number, wire: Wire) => wire.send(reset(s, 8)), { code: 'RESET', h2Code: 8 }],
    ['reset with INTERNAL_ERROR', (s: number, wire: Wire) => wire.send(reset(s, 2)), { code: 'RESET', h2Code: 2 }],
    ['reset with NO_ERROR', (s: number, wire: Wire) => wire.send(reset(s, 0)), { code: 'RESET' }],
    ['reset with PROTOCOL_ERROR', (s: number, wire: Wire) => wire.send(reset(s, 1)), { code: 'PROTOCOL', h2Code: 1 }],
    [
      'refused with HTTP_1_1_REQUIRED',
      (s: number, wire: Wire) => wire.send(reset(s, 13)),
      { code: 'PROTOCOL', h2Code: 13 },
    ],
    ['left by FIN', (_: number, wire: Wire) => wire.socket.end(), { code: 'RESET' }],
    ['left by RST', (_: number, wire: Wire) => wire.socket.resetAndDestroy(), { code: 'RESET' }],
    [
      'left by GOAWAY(INTERNAL_ERROR)',
      (s: number, wire: Wire) => wire.send(goaway(s, 2)),
      { code: 'RESET', h2Code: 2 },
    ],
    [
      'answered with garbage',
      (_: number, wire: Wire) => wire.socket.write('SSH-2.0-OpenSSH_9.9\r\n'),
      { code: 'PROTOCOL' },
    ],
    ['answered with 101', (s: number, wire: Wire) => wire.send(head(s, '101')), { code: 'PROTOCOL', h2Code: 1 }],
    ['answered with 300 fields of 1 KiB', (s: number, wire: Wire) => wire.send(long(s)), { code: 'TOO_LARGE' }],
    [
      'answered with 5000 fields',
      (s: number, wire: Wire) =>
        wire.send(
          head(
            s,
            '200',
            Array.from({ length: 3000 }, () => ['x', '']),
          ),
        ),
      { code: 'TOO_LARGE' },
    ],
    [
      'answered with 17 informational answers',
      (s: number, wire: Wire) => wire.send(...Array.from({ length: 17 }, () => head(s, '103'))),
      { code: 'TOO_LARGE' },
    ],
  ])('%s fails as it does on every engine', async (_, answer, expected) => {
    await using server = await answering((stream, wire) => {
      answer(stream, wire)
    })
    const error = await refusal(open(), server.url, { method: 'POST', body: 'x' })
    expect(error).toMatchObject({ phase: 'headers', requestWritten: 'yes', reusedConnection: false, ...expected })
    expect(server.wires.flatMap(({ streams }) => streams).length).toBe(1)
  })

  it('over a session that had served others is repeated once, where that does no harm', async () => {
    await using server = await answering((stream, wire, index) => {
      if (index % 2 === 1) wire.send(whole(stream))
      else wire.socket.end()
    })
    const engine = open()
    await sent(engine, server.url)
    expect((await sent(engine, server.url)).text).toBe('well')
    expect(server.wires.length).toBe(2)
    const error = await refusal(engine, server.url, { method: 'POST', body: 'x' })
    expect(error).toMatchObject({ code: 'RESET', phase: 'headers', reusedConnection: true })
    expect(server.wires.length).toBe(2)
  })
})

/** A head that is larger than it may be. */
function long(stream: number): Buffer {
  const fields = block(Array.from({ length: 10 }, () => ['x', 'x'.repeat(1000)]))
  return Buffer.concat([
    frame(HEADERS, 0, stream, block([[':status', '200']])),
    ...Array.from({ length: 7 }, () => frame(CONTINUATION, 0, stream, fields)),
    frame(CONTINUATION, END_HEADERS, stream),
  ])
}

describe('what was never processed', () => {
  it('is sent again when its stream was refused, whatever its method', async () => {
    await using server = await answering((stream, wire, index) => {
      wire.send(index <= 3 ? reset(stream, 7) : whole(stream))
    })
    const engine = open()
    const one = await sent(engine, server.url, { method: 'POST', body: 'x' })
    expect(one.text).toBe('well')
    expect(server.wires.map(({ streams }) => streams)).toEqual([[1, 3, 5, 7]])
    expect(one.kinds).toContain('head')
  })

  it('is given up after the fifth repetition', async () => {
    await using server = await answering((stream, wire) => {
      wire.send(reset(stream, 7))
    })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'RESET', requestWritten: 'no', h2Code: 7 })
    expect(error.message).toContain('was refused by the server again and again (REFUSED_STREAM)')
    expect(server.wires.flatMap(({ streams }) => streams).length).toBe(6)
  })

  it('is not sent again when its source was begun and cannot be opened twice', async () => {
    await using server = await answering((stream, wire) => {
      wire.send(reset(stream, 7))
    })
    async function* once(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
    }
    const error = await refusal(open(), server.url, { method: 'POST', body: once() })
    expect(error).toMatchObject({ code: 'RESET', requestWritten: 'no', h2Code: 7 })
    expect(server.wires[0]?.streams.length).toBe(1)
  })

  it.each([
    ['in good order', 0],
    ['with an error', 2],
  ])('is sent over a new session when a GOAWAY comes %s, and the rest ends where it is', async (_, code) => {
    await using server = await answering((stream, wire) => {
      if (server.wires.length === 1 && stream === 5) {
        wire.send(goaway(1, code))
        if (code === 0) wire.send(whole(1))
      } else if (server.wires.length > 1) wire.send(whole(stream))
    })
    const engine = open()
    const all = [1, 2, 3].map(() => send(engine, server.url, { method: 'POST', body: 'x' }))
    const [first, ...others] = await Promise.all(all.map(({ over }) => over))
    if (code === 0) expect(first?.text).toBe('well')
    else expect(first?.failure).toMatchObject({ code: 'RESET', h2Code: 2 })
    for (const other of others) expect(other.text).toBe('well')
    expect(server.wires.map(({ streams }) => streams)).toEqual([
      [1, 3, 5],
      [1, 3],
    ])
  })

  it('is 1000 of 1000 requests when a server says GOAWAY every ten, while a long download is open', async () => {
    await using server = await serve(
      {
        'GET /': { body: 'x' },
        'GET /long': { body: 'x', delay: 0, fault: { kind: 'stall', at: 'mid-body', bytes: 0 } },
      },
      { protocol: 'h2c', maxRequestsPerConnection: 10 },
    )
    const engine = open()
    const long = send(engine, `${server.url}long`)
    await server.received()
    let left = 1000
    const worker = async (): Promise<void> => {
      while (left-- > 0) expect((await sent(engine, server.url)).text).toBe('x')
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    expect(long.ends).toBe(0)
    long.exchange.abort()
  })
})

describe('fifty requests on a session that ends', () => {
  it.each([
    ['by FIN', (wire: Wire) => wire.socket.end()],
    ['by RST', (wire: Wire) => wire.socket.resetAndDestroy()],
    ['by GOAWAY(INTERNAL_ERROR)', (wire: Wire) => wire.send(goaway(2 ** 31 - 1, 2))],
    ['by garbage', (wire: Wire) => wire.socket.write('x'.repeat(100))],
  ])('%s are all settled within 100 ms', async (_, end) => {
    await using server = await frameServer()
    const engine = open()
    const all = Array.from({ length: 50 }, (__, at) =>
      send(engine, server.url, at % 2 === 0 ? { method: 'POST', body: 'x' } : {}),
    )
    await server.until(([wire]) => wire?.streams.length === 50)
    const wire = server.wires[0] as Wire
    for (const stream of wire.streams.slice(0, 25)) wire.send(head(stream))
    await Promise.all(all.slice(0, 25).map(one => until(() => one.head !== undefined)))
    // Measured by the clock of who is told, so that a busy machine does not count.
    let ended = Number.NaN
    engine.watch?.(({ type }) => {
      if (type === 'closed') ended = performance.now()
    })
    end(wire)
    await Promise.all(all.map(({ over }) => over))
    await until(() => !Number.isNaN(ended))
    for (const one of all) expect(one.endedAt - ended).toBeLessThan(100)
    expect(all.map(({ failure }) => failure?.phase)).toEqual([
      ...Array<string>(25).fill('body'),
      ...Array<string>(25).fill('headers'),
    ])
  })
})

describe('a server that does not come to terms', () => {
  it('and is silent is given up when connecting has taken too long', async () => {
    await using server = await frameServer({ greeting: Buffer.alloc(0), silent: true })
    const start = performance.now()
    const error = await refusal(open({ connectTimeout: 150 }), server.url)
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', requestWritten: 'no' })
    expect(performance.now() - start).toBeLessThan(300)
    await server.until(([wire]) => wire?.closed === true)
  })

  it('and hangs up is reported to everybody who waited, and is asked again by the next request', async () => {
    let wanted = false
    await using server = await frameServer({
      greeting: Buffer.alloc(0),
      silent: true,
      seen: ({ type, stream, flags }, wire) => {
        if (type === SETTINGS && (flags & ACK) === 0) {
          if (wanted) wire.send(frame(SETTINGS, 0, 0), frame(SETTINGS, ACK, 0))
          else wire.socket.end()
        }
        if (type === HEADERS) wire.send(whole(stream))
      },
    })
    const engine = open()
    const errors = await Promise.all([1, 2, 3].map(() => refusal(engine, server.url)))
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'no' })
      expect(error.message).toContain('closed the connection before it had sent the settings of HTTP/2')
    }
    expect(server.wires.length).toBe(1)
    wanted = true
    expect((await sent(engine, server.url)).text).toBe('well')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('and wants a client certificate says so with %s', async version => {
    const { ca, good, client } = certificates()
    const required = {
      ...good,
      ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    }
    await using server = await serve({ 'GET /': { body: 'x' } }, { protocol: 'h2', tls: required })
    const error = await refusal(open({ mode: 'h2', tls: { ca } }), server.url)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    expect((await sent(open({ mode: 'h2', tls: { ca, cert: client.cert, key: client.key } }), server.url)).text).toBe(
      'x',
    )
  })
})

describe('a server that falls silent', () => {
  it('is asked by PING, and given up when it does not answer', async () => {
    const pings: Frame[] = []
    await using server = await frameServer({
      silent: true,
      seen: (one, wire) => {
        if (one.type === SETTINGS && (one.flags & ACK) === 0) wire.send(frame(SETTINGS, ACK, 0))
        if (one.type === PING) pings.push(one)
      },
    })
    const start = performance.now()
    const error = await refusal(open({ pingInterval: 60 }), server.url)
    expect(error).toMatchObject({ code: 'RESET', phase: 'headers', requestWritten: 'yes' })
    expect(error.message).toContain('was given up: the server does not even answer a PING')
    expect(performance.now() - start).toBeGreaterThan(110)
    expect(pings.length).toBe(1)
    await server.until(([wire]) => wire?.closed === true)
  })

  it('is left alone when it answers', async () => {
    let pings = 0
    await using server = await frameServer({
      seen: ({ type, stream }, wire) => {
        if (type === PING && ++pings === 3) wire.send(whole(wire.streams[0] ?? stream))
      },
    })
    expect((await sent(open({ pingInterval: 30 }), server.url)).text).toBe('well')
  })
})

describe('HTTP/1.1, where the server wants it,', () => {
  it.each([
    ['HTTP_1_1_REQUIRED', { fault: { kind: 'reset', at: 'before-head', code: 13 } }],
    ['421', { status: 421, body: 'elsewhere' }],
  ])('is spoken in the mode auto after %s', async (_, answer) => {
    const { ca, good } = certificates()
    await using server = await serve(
      {
        '/*': request =>
          (request.httpVersion.startsWith('2') ? answer : { body: request.httpVersion }) as { body: string },
      },
      { protocol: 'auto', tls: good },
    )
    const engine = open({ mode: 'auto', tls: { ca } })
    expect((await sent(engine, server.url, { method: 'POST', body: 'x' })).text).toBe('1.1')
    expect((await sent(engine, server.url)).head?.httpVersion).toBe('1.1')
    expect(server.connections.length).toBe(2)
  })

  it('is not spoken in the mode h2c, in which 421 is a value', async () => {
    await using server = await serve({ 'GET /': { status: 421, body: 'elsewhere' } }, { protocol: 'h2c' })
    const one = await sent(open(), server.url)
    expect([one.head?.status, one.text]).toEqual([421, 'elsewhere'])
  })
})

/** Waits for something that happens in this process. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(resolve => setImmediate(resolve))
}
