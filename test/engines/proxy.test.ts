/** Every engine on the connector, through every kind of proxy. What goes wrong on the way is in proxy/hostile.test.ts. */
import type { Engine, Route } from 'sluice'
import { reply, serve, type TestServer } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { describeEngines, open } from '../support/proxied-engines.ts'
import { scriptedProxy, scriptedSocks, type ScriptedProxy } from '../support/scripted-proxy.ts'
import { send, sent } from '../support/send.ts'

const { ca, good } = certificates()

const LOGIN = { username: 'ada', password: 'p:w@d/%' }
const BASIC = `Basic ${Buffer.from('ada:p:w@d/%').toString('base64')}`

type Kind = 'http' | 'https' | 'socks5'

interface Way extends AsyncDisposable {
  readonly proxy: ScriptedProxy
  readonly route: Route
}

async function wayThrough(kind: Kind): Promise<Way> {
  const proxy =
    kind === 'socks5' ? await scriptedSocks() : await scriptedProxy(undefined, kind === 'https' ? { tls: good } : {})
  return {
    proxy,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    route: { hops: [proxy.hop(kind === 'https' ? { tls: { ca } } : {})], tunnel: false },
  }
}

const origin = (protocol: 'http/1.1' | 'auto' | 'h2'): Promise<TestServer> =>
  serve(
    { 'GET /': reply.text('hello'), 'POST /': async request => reply.text(`${(await request.bytes()).length}`) },
    { tls: good, protocol },
  )

/** Sends one after the other. */
async function five(engine: Engine, url: string, route: Route): Promise<(string | undefined)[]> {
  const versions: (string | undefined)[] = []
  for (let count = 0; count < 5; count++) {
    const one = await sent(engine, url, { route })
    expect(one.text).toBe('hello')
    versions.push(one.head?.httpVersion)
  }
  return versions
}

describeEngines('through a proxy', ({ speaks }) => {
  describe.each<Kind>(['http', 'https', 'socks5'])('that speaks %s', kind => {
    it('reaches a server over TLS, and asks for one tunnel', async () => {
      await using way = await wayThrough(kind)
      const { proxy, route } = way
      await using server = await origin('auto')
      expect(await five(open(), server.url, route)).toEqual(Array(5).fill(speaks))
      expect(proxy.asked.map(({ target }) => target)).toEqual([`127.0.0.1:${server.port}`])
      expect(server.connections.length).toBe(1)
      // What is said inside is nobody's business.
      expect(proxy.heard).not.toContain('GET /')
    })

    it('sends a body through it and is left in the middle of an answer', async () => {
      await using way = await wayThrough(kind)
      const { proxy, route } = way
      await using server = await serve(
        {
          'POST /': async request => reply.text(`${(await request.bytes()).length}`),
          'GET /endless': { body: 'x'.repeat(9999), fault: { kind: 'stall', at: 'mid-body' } },
        },
        { tls: good, protocol: 'auto' },
      )
      const engine = open()
      const big = await sent(engine, server.url, { method: 'POST', body: new Uint8Array(1_000_000), route })
      expect(big.text).toBe('1000000')
      const left = send(engine, `${server.url}endless`, {
        route,
        seen: event => {
          if (event.type === 'chunk') left.exchange.abort()
        },
      })
      await server.until(({ requests }) => requests.length === 2)
      await server.until(({ requests }) => requests[1]?.brokenAt)
      await engine.destroy()
      await proxy.idle()
    })

    it('leaves nothing behind when it is closed', async () => {
      await using way = await wayThrough(kind)
      const { proxy, route } = way
      await using server = await origin('auto')
      const engine = open()
      await sent(engine, server.url, { route })
      expect(engine.stats?.().origins).toMatchObject({ [server.url.slice(0, -1)]: { open: 1 } })
      await engine.close()
      await proxy.idle()
      expect(engine.stats?.().origins).toEqual({})
    })
  })

  it('shows the proxy what it asks for, and the server nothing of it', async () => {
    await using proxy = await scriptedProxy()
    await using server = await origin('auto')
    const route: Route = { hops: [proxy.hop({ credentials: LOGIN })], tunnel: false }
    const one = await sent(open(), server.url, { route, headers: { authorization: 'Bearer secret' } })
    expect(proxy.asked).toMatchObject([{ method: 'CONNECT', headers: { 'proxy-authorization': BASIC } }])
    expect(Object.keys(proxy.asked[0]?.headers ?? {}).toSorted()).toEqual(['host', 'proxy-authorization'])
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret' })
    expect(JSON.stringify(server.requests[0]?.headers)).not.toContain(BASIC.slice(6))
    const connection = one.all('connection')[0]?.connection
    expect(connection?.proxy).toBe(`http://127.0.0.1:${proxy.port}`)
    expect(connection?.took.proxy).toBeGreaterThan(0)
    expect(JSON.stringify(one.events)).not.toContain('p:w@d')
  })

  it('keeps connections of two routes apart, though they look the same', async () => {
    await using proxy = await scriptedProxy()
    await using server = await origin('auto')
    const hop = proxy.hop()
    const engine = open()
    for (const route of [{ hops: [hop], tunnel: false }, { hops: [hop], tunnel: false }, undefined])
      await sent(engine, server.url, route === undefined ? {} : { route })
    expect(proxy.asked).toHaveLength(2)
    expect(server.connections.map(({ tls }) => tls?.resumed)).toEqual([false, false, false])
    expect(engine.stats?.()).toMatchObject({ open: 3, origins: { [server.url.slice(0, -1)]: { open: 3 } } })
  })

  it('goes through two proxies, each of which sees its own credentials', async () => {
    await using first = await scriptedProxy(undefined, { tls: good })
    await using second = await scriptedSocks({ credentials: LOGIN })
    await using third = await scriptedProxy()
    await using server = await origin('auto')
    const near = first.hop({ tls: { ca }, credentials: { username: 'near', password: 'n' } })
    const engine = open()
    const ways: Route[] = [
      { hops: [near, second.hop({ credentials: LOGIN })], tunnel: false },
      { hops: [near, third.hop({ credentials: { username: 'far', password: 'f' } })], tunnel: false },
    ]
    for (const route of ways) expect((await sent(engine, server.url, { route })).text).toBe('hello')
    expect(first.asked.map(({ target }) => target)).toEqual([`127.0.0.1:${second.port}`, `127.0.0.1:${third.port}`])
    expect(second.asked.map(({ target }) => target)).toEqual([`127.0.0.1:${server.port}`])
    const encoded = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
    expect(first.asked[0]?.headers['proxy-authorization']).toBe(encoded('near:n'))
    expect(third.asked[0]?.headers['proxy-authorization']).toBe(encoded('far:f'))
  })

  it('goes through a proxy with TLS to a proxy with TLS to a server with TLS', async () => {
    await using first = await scriptedProxy(undefined, { tls: good })
    await using second = await scriptedProxy(undefined, { tls: good })
    await using server = await origin('auto')
    const engine = open()
    const route: Route = { hops: [first.hop({ tls: { ca } }), second.hop({ tls: { ca } })], tunnel: false }
    const body = new Uint8Array(300_000)
    expect((await sent(engine, server.url, { method: 'POST', body, route })).text).toBe('300000')
    await engine.destroy()
    await first.idle()
    await second.idle()
  })

  it('asks a proxy that would rather speak HTTP/2 over HTTP/1.1', async () => {
    await using proxy = await scriptedProxy(undefined, { tls: { ...good, ALPNProtocols: ['h2', 'http/1.1'] } })
    await using server = await origin('auto')
    expect(
      (await sent(open(), server.url, { route: { hops: [proxy.hop({ tls: { ca } })], tunnel: false } })).text,
    ).toBe('hello')
  })

  it('writes an address of IPv6 with brackets', async () => {
    await using proxy = await scriptedProxy(({ target }) => socket => {
      socket.end(`HTTP/1.1 503 for ${target}\r\nContent-Length: 0\r\n\r\n`)
    })
    const route: Route = { hops: [proxy.hop()], tunnel: false }
    const { failure } = await send(open(), 'https://[::1]:8443/', { route }).over
    expect(proxy.asked).toMatchObject([{ target: '[::1]:8443', headers: { host: '[::1]:8443' } }])
    expect(failure?.message).toContain('answered 503 (for [::1]:8443) to CONNECT [::1]:8443')
  })

  it('leaves names to the proxy', async () => {
    await using socks = await scriptedSocks({ names: { 'localhost.sluice.test': '127.0.0.1' } })
    await using proxy = await scriptedProxy(({ target }) => socket => {
      socket.end(`HTTP/1.1 503 ${target}\r\n\r\n`)
    })
    const lookup = (): never => {
      throw new Error('nobody is to look up anything')
    }
    const engine = open({ lookup })
    const { failure } = await send(engine, 'https://name.sluice.test/', {
      route: { hops: [proxy.hop()], tunnel: false },
    }).over
    expect(failure?.code).toBe('PROXY')
    await using server = await serve({ 'GET /': reply.text('named') })
    const url = `http://localhost.sluice.test:${server.port}/`
    expect((await sent(engine, url, { route: { hops: [socks.hop()], tunnel: false } })).text).toBe('named')
    expect(socks.asked).toMatchObject([{ method: 'name', target: `localhost.sluice.test:${server.port}` }])
  })

  it('asks a proxy of SOCKS5 for addresses as addresses', async () => {
    await using proxy = await scriptedSocks()
    const engine = open()
    const route: Route = { hops: [proxy.hop()], tunnel: false }
    await using server = await serve({ 'GET /': reply.text('six') }, { host: '::1' })
    expect((await sent(engine, server.url, { route })).text).toBe('six')
    // What leads to nowhere only shows how it was written.
    for (const host of ['[2001:db8::1:0:0:2]', '[::ffff:192.0.2.1]', '[1:2:3:4:5:6:7:8]', '[::]', '127.0.0.1'])
      await send(engine, `http://${host}:9/`, { route, limits: { connect: 100 } }).over
    expect(proxy.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
      `IPv6 [0:0:0:0:0:0:0:1]:${server.port}`,
      'IPv6 [2001:db8:0:0:1:0:0:2]:9',
      'IPv6 [0:0:0:0:0:ffff:c000:201]:9',
      'IPv6 [1:2:3:4:5:6:7:8]:9',
      'IPv6 [0:0:0:0:0:0:0:0]:9',
      'IPv4 127.0.0.1:9',
    ])
  })

  it('goes to a proxy by its name, over whichever of its addresses answers', async () => {
    await using proxy = await scriptedProxy()
    await using server = await origin('auto')
    const asked: string[] = []
    const engine = open({
      lookup(host, _, done) {
        asked.push(host)
        done(null, [
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])
      },
    })
    const route: Route = { hops: [proxy.hop({ host: 'proxy.sluice.test' })], tunnel: false }
    const one = await sent(engine, server.url, { route })
    expect([one.text, asked]).toEqual(['hello', ['proxy.sluice.test']])
    expect(one.all('connection')[0]?.connection).toMatchObject({
      proxy: `http://proxy.sluice.test:${proxy.port}`,
      remotePort: proxy.port,
    })
  })

  it('is no way for an engine that connects to a unix socket', () => {
    expect(open().capabilities.proxies).toBe(true)
    expect(open({ socketPath: '/run/sluice.sock' }).capabilities.proxies).toBe(false)
  })

  it('does not keep the process alive for a tunnel that nobody needs any more', async () => {
    await using proxy = await scriptedProxy(undefined, { tls: good })
    await using server = await origin('http/1.1')
    const engine = open()
    const route: Route = { hops: [proxy.hop({ tls: { ca } })], tunnel: false }
    const sockets = (): number => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
    // Those of the test before may still be closing.
    while (sockets() > 0) await new Promise(resolve => setImmediate(resolve))
    await sent(engine, server.url, { route })
    await new Promise(resolve => setImmediate(resolve))
    // One for each end of each connection, but for ours, which only waits: proxy, proxy to server, server.
    expect(sockets()).toBe(3)
    expect(engine.stats?.().idle).toBe(1)
  })

  it('is not made out of a polluted Object.prototype', async () => {
    await using proxy = await scriptedProxy()
    await using server = await origin('auto')
    await using plain = await serve({ 'GET /': reply.text('hello') })
    const hop = proxy.hop()
    const gadgets = {
      route: { hops: [hop], tunnel: false },
      forwarder: hop,
      hops: [hop],
      serverFirst: true,
      forwarded: {},
    }
    const engine = open()
    for (const [name, value] of Object.entries(gadgets))
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    try {
      for (const { url } of [server, plain]) {
        const one = await sent(engine, url, { route: undefined })
        expect([one.text, one.all('connection')[0]?.connection.proxy]).toEqual(['hello', undefined])
      }
    } finally {
      for (const name of Object.keys(gadgets)) Reflect.deleteProperty(Object.prototype, name)
    }
    expect(proxy.asked).toEqual([])
    expect(plain.requests.map(({ target }) => target)).toEqual(['/'])
  })

  it('makes a tunnel for http:// where it is told to', async () => {
    await using proxy = await scriptedProxy()
    await using server = await serve({ 'GET /': reply.text('hello') })
    const route: Route = { hops: [proxy.hop({ credentials: LOGIN })], tunnel: true }
    await five(open(), server.url, route)
    expect(proxy.asked).toMatchObject([{ method: 'CONNECT', target: `127.0.0.1:${server.port}` }])
    expect(server.requests.map(({ target }) => target)).toEqual(Array(5).fill('/'))
    expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined()
  })

  it('opens as many tunnels as there are requests side by side over HTTP/1.1', async () => {
    await using proxy = await scriptedProxy()
    await using server = await origin('http/1.1')
    const route: Route = { hops: [proxy.hop()], tunnel: false }
    const engine = open({ connectionsPerOrigin: 3 })
    const all = await Promise.all(Array.from({ length: 9 }, () => sent(engine, server.url, { route })))
    expect(all.every(({ text }) => text === 'hello')).toBe(true)
    expect(proxy.asked).toHaveLength(3)
  })
})
