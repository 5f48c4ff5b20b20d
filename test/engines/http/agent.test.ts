import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent'
import { isHttpError, type Engine, type EngineFactory, type HttpError } from 'sluice'
import { http, type HttpOptions } from 'sluice/engines/http'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { refusal, send, sent } from '../../support/send.ts'

const { ca, good, wrongHost } = certificates()

const engines: Engine[] = []

/** An engine through a proxy. */
function open(proxy: string, options?: HttpOptions, proxyRequestOptions = {}): Engine {
  const engine = http({ agent: new HttpsProxyAgent({ proxy, proxyRequestOptions }), tls: { ca }, ...options }).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

/** What a proxy does when it has read the head of what it is asked. */
type Answering = (client: Socket, head: string) => void

interface Proxy extends AsyncDisposable {
  readonly url: string
  /** The heads it was sent. */
  readonly asked: string[]
  readonly sockets: Set<Socket>
  /** Resolves when no connection to it is open. */
  deserted(): Promise<void>
}

/** A proxy that does what it is told; over TLS where there is an identity. */
async function proxy(answering: Answering = tunnel, identity?: { key: string; cert: string }): Promise<Proxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const waiting: (() => void)[] = []
  const serving = (client: Socket): void => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    client.once('close', () => {
      sockets.delete(client)
      if (sockets.size === 0) for (const told of waiting.splice(0)) told()
    })
    let head = ''
    const read = (bytes: Buffer): void => {
      head += bytes.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      client.off('data', read)
      asked.push(head)
      answering(client, head)
    }
    client.on('data', read)
  }
  const server =
    identity === undefined
      ? net.createServer({ noDelay: true }, serving)
      : tls.createServer({ noDelay: true, ...identity }, serving)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sockets,
    deserted: () => new Promise(resolve => (sockets.size === 0 ? resolve() : void waiting.push(resolve))),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Opens the tunnel that is asked for. */
function tunnel(client: Socket, head: string, status = '200 Connection established'): void {
  onward(client, new URL(`http://${head.split(' ')[1] ?? ''}`), () => {
    client.write(`HTTP/1.1 ${status}\r\n\r\n`)
  })
}

/** Asks the server itself, the first time. */
function forward(client: Socket, head: string): void {
  const url = new URL(head.split(' ')[1] ?? '')
  const server = onward(client, url, () => {
    server.write(head.replace(url.origin, ''), 'latin1')
  })
}

/** Connects a client with a server. */
function onward(client: Socket, { hostname, port }: URL, connected: () => void): Socket {
  const host = hostname === 'localhost' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '')
  const server = net.connect({ port: Number(port === '' ? 80 : port), host, noDelay: true }, () => {
    connected()
    client.pipe(server).pipe(client)
  })
  server.on('error', () => client.destroy())
  server.on('close', () => client.destroy())
  client.on('close', () => server.destroy())
  return server
}

/** Answers with these bytes. */
function saying(bytes: string): Answering {
  return client => client.end(bytes)
}

describe('through the proxy of an agent of hpagent', () => {
  it('five requests go over one tunnel', async () => {
    await using server = await serve({ 'POST /': async request => reply.text(await request.text()) }, { tls: good })
    await using via = await proxy()
    const engine = open(via.url)
    for (let n = 0; n < 5; n++)
      expect((await sent(engine, server.url, { method: 'POST', body: `n${n}` })).text).toBe(`n${n}`)
    const { host } = new URL(server.url)
    expect(via.asked).toEqual([`CONNECT ${host} HTTP/1.1\r\nconnection: keep-alive\r\nhost: ${host}\r\n\r\n`])
    await engine.close()
    await via.deserted()
  })

  it('user and password go to the proxy, decoded, and to nobody else', async () => {
    await using server = await serve({ 'GET /': reply.text('ok') }, { tls: good })
    await using via = await proxy()
    const withUser = via.url.replace('//', '//ada:p%40ss%3Aw@')
    await sent(open(withUser), server.url)
    expect(via.asked[0]).toContain(`proxy-authorization: Basic ${btoa('ada:p@ss:w')}\r\n`)
    expect(server.requests[0]?.rawHeaders.join(' ').toLowerCase()).not.toContain('proxy')
  })

  it('servers without TLS are asked for by the proxy, in absolute form', async () => {
    await using server = await serve({ 'POST /': async request => reply.text(await request.text()) })
    await using via = await proxy(forward)
    const engine = http({ agent: new HttpProxyAgent({ proxy: via.url.replace('//', '//ada:p%40ss@') }) }).create()
    engines.push(engine)
    const url = `http://localhost:${server.port}/`
    expect((await sent(engine, url, { method: 'POST', body: 'plain' })).text).toBe('plain')
    const [head = ''] = via.asked
    expect(head.slice(0, head.indexOf('\r\n'))).toBe(`POST ${url} HTTP/1.1`)
    expect(head.toLowerCase()).toContain(`proxy-authorization: basic ${btoa('ada:p@ss')}\r\n`.toLowerCase())
    expect(via.asked.length).toBe(1)
  })

  it('a proxy that wants more than user and password for those is not what the server says', async () => {
    await using via = await proxy(saying('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno'))
    const error = await refusal(open(via.url.replace('//', '//ada:wrong@')), 'http://localhost:1/')
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy', response: { status: 407 } })
    expect(via.asked.length).toBe(1)
  })

  it('TLS to the proxy is the same for those', async () => {
    await using server = await serve({ 'GET /': reply.text('plain') })
    await using via = await proxy(forward, good)
    expect((await sent(open(via.url, {}, { ca }), server.url)).text).toBe('plain')
    expect(await refusal(open(via.url), server.url)).toMatchObject({ code: 'PROXY', requestWritten: 'no' })
    expect((await sent(open(via.url, {}, { rejectUnauthorized: false }), server.url)).text).toBe('plain')
  })

  it('header fields for the proxy go with CONNECT, for servers without TLS too', async () => {
    await using server = await serve({ 'GET /': reply.text('plain') })
    await using via = await proxy()
    const engine = open(via.url, {}, { headers: { 'x-team': 'blue' } })
    const where = `localhost:${server.port}`
    expect((await sent(engine, `http://${where}/`)).text).toBe('plain')
    expect(via.asked).toEqual([
      `CONNECT ${where} HTTP/1.1\r\nx-team: blue\r\nconnection: keep-alive\r\nhost: ${where}\r\n\r\n`,
    ])
    expect(server.requests[0]?.rawHeaders).not.toContain('x-team')
  })

  it.each([undefined, 4] as const)('the proxy is looked up as it is said, in the family %s', async family => {
    await using server = await serve({ 'GET /': reply.text('found') }, { tls: good })
    await using via = await proxy()
    const asked: string[] = []
    const lookup: HttpOptions['lookup'] = (host, options, done) => {
      asked.push(host)
      expect(options.all).toBe(true)
      done(null, [{ address: '127.0.0.1', family: 4 }])
    }
    const engine = open(via.url.replace('127.0.0.1', 'proxy.test'), { lookup, family })
    expect((await sent(engine, server.url)).text).toBe('found')
    expect(asked).toEqual(['proxy.test'])
  })

  it('addresses of IPv6 are in brackets, and belong to the certificate', async () => {
    await using server = await serve({ 'GET /': reply.text('six') }, { tls: good })
    const { port } = server
    await using via = await proxy((client, head) => {
      tunnel(client, head.replaceAll('[::1]', '127.0.0.1'))
    })
    expect((await sent(open(via.url), `https://[::1]:${port}/`)).text).toBe('six')
    expect(via.asked[0]).toBe(`CONNECT [::1]:${port} HTTP/1.1\r\nconnection: keep-alive\r\nhost: [::1]:${port}\r\n\r\n`)
  })

  it('any 2xx opens the tunnel', async () => {
    await using server = await serve({ 'GET /': reply.text('ok') }, { tls: good })
    await using via = await proxy((client, head) => {
      tunnel(client, head, '201 Tunnelled')
    })
    expect((await sent(open(via.url), server.url)).text).toBe('ok')
  })

  it('TLS to a proxy by address is checked by what the agent says, and ends with the tunnel', async () => {
    await using server = await serve({ 'GET /': reply.text('twice') }, { tls: good })
    await using via = await proxy(tunnel, good)
    using leaks = watchLeaks()
    const warned: string[] = []
    const warn = (warning: Error): void => void warned.push(warning.message)
    process.on('warning', warn)
    const engine = open(via.url, {}, { ca })
    expect((await sent(engine, server.url)).text).toBe('twice')
    await engine.destroy()
    await via.deserted()
    await leaks.settled()
    process.off('warning', warn)
    expect(warned).toEqual([])
    expect(await refusal(open(via.url), server.url)).toMatchObject({ code: 'PROXY', requestWritten: 'no' })
    await using other = await proxy(tunnel, wrongHost)
    const error = await refusal(open(other.url, {}, { ca }), server.url)
    expect(error).toMatchObject({ code: 'PROXY', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  })

  it('TLS to a proxy is still cleared away by Node when it ends, whose listeners hpagent takes off', async () => {
    await using server = await serve({ 'GET /': reply.text('ok') })
    await using via = await proxy(tunnel, good)
    let listeners: string[] = []
    const configure: HttpOptions['configure'] = request => {
      request.once('socket', socket => {
        listeners = socket.rawListeners('close').map(({ name }) => name)
      })
    }
    await sent(open(via.url, { configure }, { ca, headers: { 'x-team': 'blue' } }), server.url)
    expect(listeners).toContain('onSocketCloseDestroySSL')
  })

  it('a proxy may be found by a name of its own in TLS', async () => {
    await using server = await serve({ 'GET /': reply.text('named') }, { tls: good })
    await using via = await proxy(tunnel, wrongHost)
    const engine = open(via.url, {}, { ca, servername: 'elsewhere.test' })
    expect((await sent(engine, server.url)).text).toBe('named')
  })

  it('the server is held back while nobody reads', async () => {
    const piece = new Uint8Array(65_536)
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield piece
    }
    await using server = await serve({ 'GET /': { body: endless } }, { tls: good })
    await using via = await proxy()
    const one = send(open(via.url), server.url, {
      seen: ({ type }, { exchange }) => {
        if (type === 'head') exchange.pause()
      },
    })
    const left = (): number => server.requests[0]?.bytesOut ?? 0
    let before = -1
    while (left() === 0 || left() !== before) {
      before = left()
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    // What two pairs of kernels take.
    expect(left()).toBeLessThan(32 * 1024 * 1024)
    one.exchange.abort()
    await via.deserted()
  })

  it('nothing of a polluted Object.prototype gets into what the proxy is asked', async () => {
    await using server = await serve({ 'GET /': reply.text('clean') }, { tls: good })
    await using via = await proxy()
    const polluted = {
      socketPath: '/nowhere',
      auth: 'mallory:x',
      hostname: 'elsewhere.test',
      insecureHTTPParser: 'yes',
    }
    try {
      for (const [name, value] of Object.entries(polluted))
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      expect((await sent(open(via.url), server.url)).text).toBe('clean')
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
    expect(via.asked[0]).not.toContain('authorization')
  })

  it('nor does a signal that would throw', async () => {
    const free = await proxy()
    await free[Symbol.asyncDispose]()
    const engine = open(free.url)
    try {
      Object.defineProperty(Object.prototype, 'signal', { value: 5, configurable: true, writable: true })
      expect(await refusal(engine, 'https://127.0.0.1:1/')).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    } finally {
      Reflect.deleteProperty(Object.prototype, 'signal')
    }
  })

  it('what is wrong with the server is not blamed on the proxy', async () => {
    await using server = await serve({}, { tls: wrongHost })
    await using via = await proxy()
    expect(await refusal(open(via.url), server.url)).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    await via.deserted()
  })
})

describe('a proxy that does not open the tunnel', () => {
  const where = 'https://127.0.0.1:1/'
  const page = '<h1>No</h1>'

  it.each([
    ['407 Proxy Authentication Required', 407],
    ['502 Bad Gateway', 502],
    ['302 Found', 302],
    ['204 No Content', 204],
  ])('fails the request: %s', async (line, status) => {
    await using via = await proxy(
      saying(
        `HTTP/1.1 ${line}\r\nSet-Cookie: a=b\r\nProxy-Authenticate: Basic\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
      ),
    )
    using leaks = watchLeaks()
    const one = await send(open(via.url.replace('//', '//ada:secret@')), where).over
    expect(one.failure).toMatchObject({ code: 'PROXY', phase: 'proxy', requestWritten: 'no', response: { status } })
    expect(one.failure?.response?.headers.get('proxy-authenticate')).toBe('Basic')
    expect(one.failure?.response?.text()).toBe(status === 204 ? '' : page)
    expect(one.kinds).toEqual([])
    expect(one.failure?.message).toBe(
      `GET https://127.0.0.1:1/ was not sent: the proxy ${via.url} answered ${line.replace(' ', ' (')}) to CONNECT 127.0.0.1:1.`,
    )
    expect(via.asked.length).toBe(1)
    await via.deserted()
    await leaks.settled()
  })

  it('is not listened to for ever', async () => {
    await using via = await proxy(client => {
      client.write('HTTP/1.1 403 Forbidden\r\n\r\n')
      const talk = (): void => {
        while (!client.destroyed && client.write('x'.repeat(16_384)));
      }
      client.on('drain', talk)
      talk()
    })
    const error = await refusal(open(via.url), where)
    expect(error.response?.bytes.length).toBe(65_536)
    await via.deserted()
  })

  it('is not waited for when it stops in the middle of its page', async () => {
    await using via = await proxy(client => client.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nhalf'))
    const error = await refusal(open(via.url), where)
    expect(error.response?.text()).toBe('half')
    await via.deserted()
  })

  it.each([
    ['closes', client => client.end(), 'ECONNRESET'],
    ['resets the connection', client => client.resetAndDestroy(), 'ECONNRESET'],
    ['talks nonsense', saying('SSH-2.0-OpenSSH_9.2\r\n'), 'HPE_INVALID_CONSTANT'],
    [
      'sends a head without end',
      client => client.write(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(80_000)}`),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'speaks another protocol from now on',
      saying('HTTP/1.1 101 OK\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      undefined,
    ],
    ['goes on behind its answer', saying('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'), undefined],
  ] satisfies [string, Answering, string | undefined][])('fails the request when it %s', async (_, answering, code) => {
    await using via = await proxy(answering)
    using leaks = watchLeaks()
    const error = await refusal(open(via.url), where)
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy', requestWritten: 'no' })
    expect((error.cause as { code?: string } | undefined)?.code).toBe(code)
    expect(error.response).toBeUndefined()
    await via.deserted()
    await leaks.settled()
  })

  it('fails the request when nobody is there, or its name is unknown', async () => {
    const free = await proxy()
    await free[Symbol.asyncDispose]()
    expect(await refusal(open(free.url), where)).toMatchObject({ code: 'PROXY', requestWritten: 'no' })
    const lookup: HttpOptions['lookup'] = (_, __, done) => {
      done(null, [])
    }
    const error = await refusal(open('http://proxy.test:3128', { lookup }), where)
    expect(error).toMatchObject({ code: 'PROXY', phase: 'dns', cause: { code: 'ENOTFOUND' } })
  })

  it('may say why in chunks', async () => {
    await using via = await proxy(client =>
      client.write('HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n'),
    )
    const begun = performance.now()
    const error = await refusal(open(via.url), where)
    expect(error.response?.text()).toBe('later')
    // It is not waited for what does not come.
    expect(performance.now() - begun).toBeLessThan(900)
    await via.deserted()
  })

  it.each([
    ['ends', (client: Socket) => client.end()],
    ['resets', (client: Socket) => client.resetAndDestroy()],
  ])('%s the connection in the middle of the tunnel', async (_, leave) => {
    await using via = await proxy(client => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.once('data', () => leave(client))
    })
    expect(await refusal(open(via.url), where)).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    await via.deserted()
  })
})

describe('a proxy that is silent', () => {
  const silent: Answering = () => undefined
  const dripping: Answering = client => {
    client.write('HTTP/1.1 200 OK\r\n')
    const timer = setInterval(() => client.write('X: y\r\n'), 5)
    client.on('close', () => {
      clearInterval(timer)
    })
  }

  it.each([
    ['says nothing', silent, undefined],
    ['says nothing over TLS', silent, good],
    ['never comes to an end', dripping, undefined],
  ])('costs no more than the limit of connecting when it %s', async (_, answering, identity) => {
    await using via = await proxy(answering, identity)
    using leaks = watchLeaks()
    const error = await refusal(open(via.url, { connectTimeout: 80 }, { ca }), 'https://127.0.0.1:1/')
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', requestWritten: 'no' })
    await via.deserted()
    await leaks.settled()
  })

  it.each([
    ['in the moment in which it is sent', 0],
    ['when it has asked the proxy', 1],
  ])('lets go of a request that is left %s, socket and all', async (_, asked) => {
    await using via = await proxy(silent)
    using leaks = watchLeaks()
    const sockets: Socket[] = []
    const see = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
    subscribe('net.client.socket', see)
    const one = send(open(via.url), 'https://127.0.0.1:1/')
    while (via.asked.length < asked) await new Promise(resolve => setImmediate(resolve))
    unsubscribe('net.client.socket', see)
    one.exchange.abort()
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    await via.deserted()
    await leaks.settled()
    expect(one.ends).toBe(0)
  })
})

describe('the option', () => {
  const wrong = (options: HttpOptions): HttpError => {
    try {
      http(options)
    } catch (error) {
      if (isHttpError(error)) return error
      throw error
    }
    throw new Error('it was taken')
  }
  const proxyUrl = 'http://127.0.0.1:3128'

  it('takes what hpagent is usually given', () => {
    const agent = new HttpsProxyAgent({
      keepAlive: true,
      keepAliveMsecs: 1000,
      maxSockets: 256,
      maxFreeSockets: 256,
      scheduling: 'lifo',
      proxy: proxyUrl,
    })
    expect(http({ agent }).create().capabilities.proxies).toBe(false)
  })

  it.each([
    [{ agent: {} as never }, 'The option agent of http must be an HttpsProxyAgent or HttpProxyAgent of hpagent, not'],
    [
      { agent: new HttpsProxyAgent({ proxy: proxyUrl, ca, maxCachedSessions: 3 }) },
      'http({ agent }) asks the agent for its proxy only: give ca, maxCachedSessions to http(), or to proxyRequestOptions if it is for the proxy.',
    ],
    [
      { agent: new HttpsProxyAgent({ proxy: proxyUrl }), socketPath: '/x', connectAttempts: 2 },
      'http({ agent }) connects to the proxy of the agent alone: socketPath, connectAttempts cannot be given beside it.',
    ],
    [
      { agent: new HttpsProxyAgent({ proxy: 'socks5://127.0.0.1:1080' }) },
      'The agent of http({ agent }) leads to socks5://127.0.0.1:1080; hpagent speaks to http and https proxies.',
    ],
    [
      { agent: new HttpsProxyAgent({ proxy: 'http://ada:100%@127.0.0.1:3128' }) },
      'The user or password for http://127.0.0.1:3128 has a % that stands for nothing; write %25 for the character.',
    ],
  ])('refuses what would not count: %#', (options, message) => {
    const error = wrong(options)
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })
})

describe('the contract, through the proxy of an agent of hpagent', () => {
  let via: Proxy | undefined
  beforeAll(async () => {
    via = await proxy()
  })
  afterAll(() => via?.[Symbol.asyncDispose]())
  // What an engine can is asked before there is a proxy.
  const through = (options?: HttpOptions): EngineFactory => ({
    name: 'http',
    create: () =>
      http({
        agent: new HttpsProxyAgent({ proxy: via?.url ?? 'http://127.0.0.1:1' }),
        tls: { ca },
        ...options,
      }).create(),
  })
  const single = through({ connectionsPerOrigin: 1 })
  // A proxy keeps some of a body on its way as a kernel does, is who is connected to, and says that a server cannot be reached.
  const others = /back while the peer does not read|stops the peer|refused connection|tells which connection/
  for (const one of engineContract('http', through(), { single, tls: good })) {
    if (one.excluded === undefined && !others.test(one.title)) it(one.title, () => one.run())
  }
})
