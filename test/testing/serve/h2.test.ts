import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { reply, serve, serveSequence, type Fault, type ServeOptions, type TestServer } from '../../../testing/serve.ts'
import { certificates } from '../../support/certificates.ts'
import { rawClient } from '../../support/raw-client.ts'

const { ca, good } = certificates()

interface Answer {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  readonly trailers: Readonly<Record<string, unknown>> | undefined
  readonly informational: readonly number[]
  readonly ended: boolean
  readonly rst: number
  readonly error: string | undefined
}

const opened: { destroy(): unknown }[] = []

function open(server: TestServer): ClientHttp2Session {
  const { port } = server
  const socket = server.url.startsWith('https')
    ? tls.connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ALPNProtocols: ['h2'] })
    : net.connect(port, '127.0.0.1')
  const session = connect(server.url, { createConnection: () => socket })
  session.on('error', () => {})
  opened.push(session, socket)
  return session
}

afterEach(() => {
  for (const one of opened.splice(0)) one.destroy()
})

function ask(
  session: ClientHttp2Session,
  path = '/',
  headers: OutgoingHttpHeaders = {},
  body?: string,
): ClientHttp2Stream {
  const stream = session.request({ ':path': path, ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  stream.on('error', () => {})
  return stream
}

/** Everything that came on a stream until it was closed. */
function all(stream: ClientHttp2Stream): Promise<Answer> {
  const pieces: Buffer[] = []
  const informational: number[] = []
  let headers: Record<string, unknown> = {}
  let trailers: Record<string, unknown> | undefined
  let ended = false
  let error: string | undefined
  stream.on('headers', early => informational.push(Number(early[':status'])))
  stream.on('response', (given: Record<string, unknown>) => (headers = given))
  stream.on('trailers', (given: Record<string, unknown>) => (trailers = given))
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('end', () => (ended = true))
  stream.on('error', (thrown: Error) => (error = thrown.message))
  return new Promise(resolve => {
    stream.on('close', () => {
      const status = headers[':status'] === undefined ? undefined : Number(headers[':status'])
      const text = Buffer.concat(pieces).toString()
      resolve({ status, headers, text, trailers, informational, ended, rst: stream.rstCode, error })
    })
  })
}

const get = (server: TestServer, path?: string, headers?: OutgoingHttpHeaders, body?: string): Promise<Answer> =>
  all(ask(open(server), path, headers, body))

describe.each<[string, ServeOptions]>([
  ['h2c', { protocol: 'h2c' }],
  ['h2', { protocol: 'h2', tls: good }],
])('serve speaks %s', (protocol, options) => {
  it('and answers routes as it does in HTTP/1.1', async () => {
    await using server = await serve(
      {
        'GET /users/:id': ({ params, query, httpVersion }) => reply.json({ ...params, q: query.get('q'), httpVersion }),
        'POST /echo': async request => reply.text(await request.text(), { trailers: { 'X-Sum': 'ok' } }),
        'GET /early': { informational: [{ status: 103, headers: { link: '</a.css>' } }], body: 'x' },
        'HEAD /': { headers: { 'content-length': '1000' } },
        'GET /204': reply.status(204),
      },
      options,
    )
    expect(await get(server, '/users/7?q=1')).toMatchObject({
      status: 200,
      text: '{"id":"7","q":"1","httpVersion":"2"}',
      ended: true,
      rst: 0,
      headers: { 'content-type': 'application/json', 'content-length': '36' },
    })
    const echoed = await get(server, '/echo', { ':method': 'POST', 'x-a': 'b' }, 'hello')
    expect(echoed).toMatchObject({ text: 'hello', trailers: { 'x-sum': 'ok' } })
    expect(await get(server, '/early')).toMatchObject({ informational: [103], text: 'x' })
    expect(await get(server, '/', { ':method': 'HEAD' })).toMatchObject({
      headers: { 'content-length': '1000' },
      text: '',
    })
    expect(await get(server, '/204')).toMatchObject({ status: 204, text: '', ended: true })
    expect(await get(server, '/nowhere')).toMatchObject({ status: 404 })
    expect(server.errors).toEqual([])
    expect(server.requests[1]).toMatchObject({
      method: 'POST',
      target: '/echo',
      httpVersion: '2',
      rawHeaders: ['x-a', 'b'],
      headers: { host: `127.0.0.1:${server.port}`, 'x-a': 'b' },
      bodyBytes: 5,
      complete: true,
      connection: 2,
      stream: 1,
      status: 200,
      answered: true,
      bytesOut: 5,
      brokenAt: undefined,
    })
  })

  it('and sends large bodies both ways within the windows', async () => {
    await using server = await serve(
      {
        'GET /': reply.bytes(3_000_000),
        'POST /': async request => reply.text(String((await request.bytes()).length)),
        'POST /slow': { read: { bytes: 8192, every: 1 }, body: 'read' },
      },
      options,
    )
    const session = open(server)
    const [down, up, slow] = await Promise.all([
      all(ask(session)),
      all(ask(session, '/', { ':method': 'POST' }, 'x'.repeat(2_000_000))),
      all(ask(session, '/slow', { ':method': 'POST', 'content-length': '200000' }, 'y'.repeat(200_000))),
    ])
    expect(down.text.length).toBeGreaterThan(2_900_000)
    expect(up.text).toBe('2000000')
    expect(slow.text).toBe('read')
    expect(server.connections.length).toBe(1)
    expect(server.requests.map(({ bytesOut }) => bytesOut)).toContain(3_000_000)
  })

  it('and stops for a client that reads nothing, while its other streams go on', async () => {
    await using server = await serve({ 'GET /': reply.bytes(Infinity), 'GET /next': reply.text('next') }, options)
    const session = open(server)
    const paused = ask(session)
    await new Promise(resolve => paused.once('readable', resolve))
    expect((await all(ask(session, '/next'))).text).toBe('next')
    expect(server.requests[0]?.bytesOut).toBeLessThan(300_000)
    paused.close(constants.NGHTTP2_CANCEL)
    await server.until(({ requests }) => requests[0]?.brokenAt)
    expect(server.requests[0]?.resetCode).toBe(8)
    expect((await all(ask(session, '/next'))).text).toBe('next')
    expect(server.connections.length).toBe(1)
  })

  const faults: readonly (readonly [Fault, Partial<Answer>])[] = [
    [
      { kind: 'reset', at: 'before-head' },
      { status: undefined, rst: 2 },
    ],
    [
      { kind: 'reset', at: 'before-head', code: 7 },
      { status: undefined, rst: 7 },
    ],
    [
      { kind: 'reset', at: 'after-head', code: 8 },
      { status: 200, text: '', rst: 8 },
    ],
    [
      { kind: 'reset', at: 'mid-body', bytes: 4, code: 5 },
      { status: 200, text: '0123', rst: 5 },
    ],
    [
      { kind: 'fin', at: 'mid-body', bytes: 4 },
      { status: 200, rst: 1 },
    ],
    [
      { kind: 'goaway', at: 'before-head', last: 1 },
      { status: 200, text: '0123456789', rst: 0 },
    ],
  ]
  it.each(faults)('and lets %o strike', async (fault, seen) => {
    await using server = await serve({ '/': { body: '0123456789', fault } }, options)
    expect(await get(server)).toMatchObject(seen)
    if (fault.kind === 'reset') expect(await server.received()).toMatchObject({ answered: false, resetCode: undefined })
  })

  it.each([
    { kind: 'reset', at: 'mid-body', bytes: 4, scope: 'connection' },
    { kind: 'fin', at: 'mid-body', bytes: 4, scope: 'connection' },
    { kind: 'reset', at: 'mid-head' },
    { kind: 'fin', at: 'mid-head' },
  ] as const)('and ends the connection with %o', async fault => {
    await using server = await serve({ '/': { body: '0123456789', fault } }, options)
    const session = open(server)
    const closed = new Promise(resolve => session.once('close', resolve))
    const { status, text } = await all(ask(session))
    await closed
    if (fault.at === 'mid-head') expect(status).toBeUndefined()
    else expect(status).toBe(200)
    expect('0123').toContain(text)
    expect(await server.closed()).toMatchObject({ closedBy: 'server' })
  })

  it('and drips byte by byte without mixing up streams', async () => {
    const fault = { kind: 'drip', at: 'before-head', every: 1 } as const
    await using server = await serve({ '/': { body: '0123456789', headers: { a: 'b' }, fault } }, options)
    const session = open(server)
    const answers = await Promise.all([all(ask(session)), all(ask(session)), all(ask(session))])
    expect(answers.map(({ text }) => text)).toEqual(Array(3).fill('0123456789'))
  })

  it('and forgets what a GOAWAY does not cover, finishes what it does, and then ends the connection', async () => {
    const gate = Promise.withResolvers<undefined>()
    await using server = await serve(
      {
        '/held': async () => {
          await gate.promise
          return reply.text('held')
        },
        '/away': { fault: { kind: 'goaway', at: 'before-head' } },
      },
      options,
    )
    const session = open(server)
    const goaways: number[] = []
    session.on('goaway', (code: number, last: number) => goaways.push(code, last))
    const held = all(ask(session, '/held'))
    await server.received()
    const away = all(ask(session, '/away'))
    await new Promise(resolve => session.once('goaway', resolve))
    gate.resolve(undefined)
    expect(await held).toMatchObject({ text: 'held', rst: 0 })
    expect((await away).status).toBeUndefined()
    expect(goaways).toEqual([0, 1])
    await server.closed()
    expect(server.requests[1]).toMatchObject({ answered: false })
    expect(server.requests[1]?.brokenAt).toBeDefined()
  })

  it('and announces the end of a connection that has served its requests', async () => {
    await using server = await serve({ '/': reply.text('x') }, { ...options, maxRequestsPerConnection: 2 })
    const session = open(server)
    const goaway = new Promise(resolve => session.once('goaway', (code, last) => resolve([code, last])))
    expect((await all(ask(session))).text).toBe('x')
    expect((await all(ask(session))).text).toBe('x')
    expect(await goaway).toEqual([0, 3])
    expect(await server.closed()).toMatchObject({ closedBy: 'server', requests: 2 })
  })

  it('and ends an idle connection', async () => {
    await using server = await serve({ '/': reply.text('x') }, { ...options, idleTimeout: 10 })
    expect((await get(server)).text).toBe('x')
    await server.closed()
  })

  it('and refuses streams beyond its limit', async () => {
    await using server = await serve(
      { '/': { fault: { kind: 'stall', at: 'before-head' } } },
      { ...options, http2: { maxConcurrentStreams: 2 } },
    )
    const session = open(server)
    // Before the client has heard of the limit.
    const answers = [1, 2, 3].map(() => all(ask(session)))
    expect((await Promise.race(answers)).rst).toBe(7)
    expect(server.requests.length).toBe(2)
    expect(server.connections[0]?.refused).toBe(1)
  })

  it('and can keep silent: no SETTINGS, and nothing else', async () => {
    await using server = await serve({ '/': reply.text('x') }, { ...options, http2: { settings: false } })
    const session = open(server)
    let heard = 0
    session.on('remoteSettings', () => heard++)
    const stream = ask(session)
    stream.on('response', () => heard++)
    await server.received()
    await server.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 50)
    await new Promise(resolve => setImmediate(resolve))
    expect(heard).toBe(0)
    expect(server.connections[0]?.bytesOut).toBe(0)
    stream.close(constants.NGHTTP2_CANCEL)
    await server.until(({ requests }) => requests[0]?.resetCode === 8)
  })

  it('and can leave PING unanswered', async () => {
    await using server = await serve({ '/': reply.text('x') }, { ...options, http2: { pong: false } })
    const session = open(server)
    let answered = false
    await new Promise(resolve => session.once('connect', resolve))
    session.ping(() => (answered = true))
    expect((await all(ask(session))).text).toBe('x')
    expect(answered).toBe(false)
    expect(server.connections[0]?.pings).toBe(0)
  })

  it('and answers PING, and hears a farewell', async () => {
    await using server = await serve({ '/': reply.text('x') }, options)
    const session = open(server)
    await new Promise(resolve => session.once('connect', resolve))
    await new Promise((resolve, reject) => session.ping(error => (error ? reject(error) : resolve(undefined))))
    session.goaway(3)
    await server.until(({ connections }) => connections[0]?.goaway === 3)
    expect(server.connections[0]?.pings).toBe(1)
  })

  it('and answers early, and tells a client to stop sending with NO_ERROR', async () => {
    await using server = await serve(
      { 'POST /': reply.text('enough', { status: 413, early: true, close: true }) },
      options,
    )
    const session = open(server)
    const stream = session.request({ ':path': '/', ':method': 'POST' })
    stream.on('error', () => {})
    stream.write('x'.repeat(1000))
    const answer = await all(stream)
    expect(answer).toMatchObject({ status: 413, text: 'enough', rst: 0 })
    await server.closed()
  })

  it('and holds back a client nobody reads from, until it is told to go on', async () => {
    await using server = await serve({ 'POST /': { read: 'none', bodyDelay: 1 } }, options)
    const stream = open(server).request({ ':path': '/', ':method': 'POST' })
    stream.on('error', () => {})
    stream.end(Buffer.alloc(300_000))
    await new Promise(resolve => stream.once('response', resolve))
    expect(server.requests[0]?.bodyBytes).toBe(0)
    server.resume()
    await server.until(({ requests }) => requests[0]?.complete)
    expect(server.requests[0]?.bodyBytes).toBe(300_000)
  })

  it('and asks for a body with 100 Continue', async () => {
    await using server = await serve({ 'POST /': async request => reply.text(await request.text()) }, options)
    const stream = open(server).request({ ':path': '/', ':method': 'POST', expect: '100-continue' })
    stream.on('continue', () => stream.end('asked'))
    expect((await all(stream)).text).toBe('asked')
  })

  it('and resets a request whose body is not as long as it announced', async () => {
    await using server = await serve({ 'POST /': reply.text('x') }, options)
    const long = await get(server, '/', { ':method': 'POST', 'content-length': '2' }, 'abc')
    expect(long.status === 200 && long.rst === 0).toBe(false)
    expect(server.requests.every(({ complete }) => !complete)).toBe(true)
  })
})

describe('a fault before a route is known', () => {
  it.each([
    { kind: 'reset', at: 'head-of-request' },
    { kind: 'fin', at: 'head-of-request' },
    { kind: 'fin', at: 'accept' },
  ] as const)('strikes a connection of HTTP/2 with %o, once', async fault => {
    await using server = await serveSequence([{ fault }, reply.text('next')], { protocol: 'h2c' })
    const session = open(server)
    const closed = new Promise(resolve => session.once('close', resolve))
    const { status } = await all(ask(session))
    await closed
    expect(status).toBeUndefined()
    expect(await server.closed(1)).toMatchObject({ closedBy: 'server', requests: 0 })
    expect((await get(server)).text).toBe('next')
    expect(server.remaining).toBe(0)
  })

  it('keeps silent when it is a stall', async () => {
    await using server = await serve(
      { '/': reply.text('x') },
      { protocol: 'h2c', onConnection: () => ({ kind: 'stall', at: 'head-of-request' }) },
    )
    const session = open(server)
    await new Promise(resolve => session.once('remoteSettings', resolve))
    const stream = ask(session)
    const before = server.connections[0]?.bytesIn ?? 0
    await server.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > before)
    expect(server.requests).toEqual([])
    stream.close(constants.NGHTTP2_CANCEL)
    session.destroy()
    expect(await server.closed()).toMatchObject({ requests: 0 })
  })
})

describe('a connection that is not HTTP/2', () => {
  it('is told so and closed', async () => {
    await using server = await serve({}, { protocol: 'h2c' })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await client.ended).toBe('fin')
    expect(String(server.errors[0])).toContain('this is no HTTP/2: "GET / HTTP/1.1')
  })

  it('is closed when a frame is too large, out of place, or cannot be read', async () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
    for (const [bad, why] of [
      [Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1]), 'SETTINGS do not come first'],
      [Buffer.concat([settings, Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1])]), 'a frame of 16711680 bytes'],
      [Buffer.concat([settings, Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 1, 0xff])]), 'the header fields cannot be read'],
      [Buffer.concat([settings, Buffer.from([0, 0, 0, 9, 4, 0, 0, 0, 1])]), 'CONTINUATION comes after nothing'],
    ] as const) {
      await using server = await serve({}, { protocol: 'h2c' })
      using client = await rawClient(server.url)
      client.send(Buffer.concat([preface, bad]))
      expect(await client.ended).toBe('fin')
      expect(String(server.errors[0])).toContain(why)
    }
  })

  it.each([
    ['an upper-case name', ['X-A', 'b'], 'this is no name of a header'],
    ['a field of connections', ['connection', 'close'], 'connection belongs to a connection'],
    ['a value with a line break', ['x', 'a\nb'], 'this is no value of x'],
  ])('or a request with %s is reset', async (_, [name = '', value = ''], why) => {
    const { encodeFields } = await import('../../../testing/serve/h2/hpack.ts')
    const { headerFrames, PREFACE, settingsFrame } = await import('../../../testing/serve/h2/frames.ts')
    await using server = await serve({}, { protocol: 'h2c' })
    const fields = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'x'],
      [name, value],
    ] as const
    const socket = net.connect(server.port, '127.0.0.1')
    socket.write(Buffer.concat([PREFACE, settingsFrame([]), headerFrames(1, encodeFields(fields), true)]))
    await server.until(({ errors }) => errors.length > 0)
    expect(String(server.errors[0])).toContain(why)
    expect(server.requests).toEqual([])
    socket.destroy()
  })
})

describe('the protocol', () => {
  it('is what ALPN says with auto', async () => {
    await using server = await serve(
      { '/': ({ httpVersion }) => reply.text(httpVersion) },
      { protocol: 'auto', tls: good },
    )
    expect((await get(server)).text).toBe('2')
    using client = await rawClient(server.url, { ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] })
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await client.until('1.1')).toContain('HTTP/1.1 200 OK')
    expect(server.connections.map(({ tls }) => tls?.alpn)).toEqual(['h2', 'http/1.1'])
  })

  it('has TLS or has not', async () => {
    await expect(serve({}, { protocol: 'h2' })).rejects.toThrow("protocol: 'h2' needs tls: { key, cert }")
    await expect(serve({}, { protocol: 'h2c', tls: good })).rejects.toThrow("protocol: 'h2c' has no TLS")
  })

  it('of a fault must be the one that is spoken', async () => {
    await using server = await serve({ '/': { fault: { kind: 'goaway', at: 'before-head' } } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.ended
    expect(String(server.errors[0])).toContain('HTTP/1.1 has no GOAWAY')
  })
})
