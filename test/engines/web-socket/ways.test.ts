import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer as createSecure, type Server } from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import { LIMITS, ROUTE, type Engine, type EngineFactory, type Route } from 'sluice'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { blackHole } from '../../support/black-hole.ts'
import { certificates } from '../../support/certificates.ts'
import { scriptedProxy } from '../../support/scripted-proxy.ts'
import { rawServer } from '../../support/web-socket-raw.ts'
import { asking, Talk } from '../../support/web-socket-talk.ts'

const { ca, good } = certificates()
const tls = { ca }

function engineOf(factory: EngineFactory): Engine & AsyncDisposable {
  const engine = factory.create()
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.destroy() })
}

/** A server of ws behind TLS. */
async function listening(server: Server | Http2SecureServer): Promise<{ readonly url: string } & AsyncDisposable> {
  const upgrades = new WebSocketServer({ noServer: true })
  const sockets = new Set<Socket>()
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    upgrades.handleUpgrade(request, socket, head, peer => {
      peer.on('message', (data: Buffer) => peer.send(`echo ${data.toString()}`))
    })
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function echoes(engine: Engine, url: string): Promise<Talk> {
  const talk = await new Talk(engine, asking(url)).open()
  talk.socket.send('a')
  expect(await talk.hears(1)).toEqual(['echo a'])
  return talk
}

describe('over TLS', () => {
  it.each<[string, EngineFactory]>([
    ['undici', undici({ tls })],
    ['http', http({ tls })],
    ['http2', http2({ tls })],
  ])('%s speaks HTTP/1.1 with a server that knows nothing else, also the second time', async (_, factory) => {
    await using server = await listening(createSecure({ ...good }))
    await using engine = engineOf(factory)
    for (let round = 0; round < 2; round++) {
      const talk = await echoes(engine, server.url)
      expect(talk.head).toMatchObject({ status: 101, httpVersion: '1.1' })
      const [connected] = talk.events
      expect(connected).toMatchObject({ type: 'connection', connection: { reused: false, protocol: 'http/1.1' } })
      talk.socket.close(1000)
      await talk.end()
    }
  })

  it.each<[string, EngineFactory]>([
    ['undici', undici({ tls })],
    ['http2', http2({ tls })],
  ])('%s speaks HTTP/1.1 with a server whose HTTP/2 opens no WebSockets', async (_, factory) => {
    await using server = await listening(createSecureServer({ ...good, allowHTTP1: true }))
    await using engine = engineOf(factory)
    const first = await echoes(engine, server.url)
    const second = await echoes(engine, server.url)
    expect([first.head?.httpVersion, second.head?.httpVersion]).toEqual(['1.1', '1.1'])
    const numbers = [first, second].map(({ events: [one] }) => one?.type === 'connection' && one.connection.id)
    expect(new Set(numbers).size).toBe(2)
    // Waits for both, wherever they went.
    let closed = false
    const closing = engine.close().then(() => (closed = true))
    first.socket.close(1000)
    await first.end()
    expect(closed).toBe(false)
    second.exchange.abort()
    await closing
  })

  it('http2 leaves it on its way from HTTP/2 to HTTP/1.1, whenever that is', async () => {
    await using server = await listening(createSecureServer({ ...good, allowHTTP1: true }))
    await using engine = engineOf(http2({ tls }))
    for (let turns = 0; turns < 40; turns += 3) {
      const talk = new Talk(engine, asking(server.url))
      for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
      talk.exchange.abort()
      expect(talk.over).toBe(false)
    }
    await engine.close()
  })

  it('undici says what is wrong with a server that speaks HTTP/2 alone', async () => {
    await using server = await listening(createSecureServer({ ...good }))
    await using engine = engineOf(undici({ tls }))
    const talk = await new Talk(engine, asking(server.url)).end()
    expect(talk.error).toMatchObject({ requestWritten: 'no' })
    expect(['TLS', 'CONNECT']).toContain(talk.error?.code)
  })

  it('a server that cannot prove who it is gets no handshake', async () => {
    await using server = await listening(createSecure({ ...certificates().selfSigned }))
    await using engine = engineOf(undici({ tls }))
    const talk = await new Talk(engine, asking(server.url)).end()
    expect(talk.error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
  })
})

describe('through a proxy', () => {
  it.each<[string, EngineFactory]>([
    ['undici', undici()],
    ['http', http()],
    ['http2', http2()],
  ])('%s opens a tunnel to a ws: server, though a proxy would be asked for http: in its place', async (_, factory) => {
    await using proxy = await scriptedProxy()
    await using server = await rawServer('http/1.1')
    await using engine = engineOf(factory)
    const route: Route = { hops: [proxy.hop({})], tunnel: false }
    const talk = await new Talk(engine, asking(server.url).note(ROUTE, route)).open()
    const peer = await server.next()
    talk.socket.send('through')
    expect((await peer.frame(1)).payload.toString()).toBe('through')
    const [connected] = talk.events
    expect(connected).toMatchObject({ connection: { proxy: expect.stringContaining('http://127.0.0.1') as string } })
    talk.exchange.abort()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
  })
})

describe('left before it is open', () => {
  const engines: readonly [string, EngineFactory][] = [
    ['undici', undici({ tls })],
    ['http', http({ tls })],
    ['http2', http2({ tls })],
  ]

  it.each(engines)('%s lets go of a look-up', async (name, _) => {
    const lookups: (() => void)[] = []
    const make = { undici, http, http2 }[name as 'undici']
    await using engine = engineOf(make({ lookup: (_host, _options, done) => lookups.push(() => done(null, [])) }))
    const talk = new Talk(engine, asking('http://nowhere.test/'))
    await talk.until('it is looked up', () => lookups.length === 1)
    talk.exchange.abort()
    await engine.close()
    lookups[0]?.()
    expect(talk.over).toBe(false)
  })

  it.each(engines)('%s stops connecting', async (_, factory) => {
    await using hole = await blackHole()
    await using engine = engineOf(factory)
    const talk = new Talk(engine, asking(hole.url))
    await new Promise(resolve => setTimeout(resolve, 20))
    talk.exchange.abort()
    await engine.close()
    expect(talk.over).toBe(false)
  })

  it.each(engines)('%s breaks off the TLS handshake at once, and keeps to its limit', async (_, factory) => {
    const sockets: Socket[] = []
    const server = net.createServer(socket => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.resume()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    await using engine = engineOf(factory)
    const talk = new Talk(engine, asking(url))
    await talk.until('it is connected', () => sockets.length === 1)
    const left = performance.now()
    talk.exchange.abort()
    if (sockets[0]?.closed === false) await once(sockets[0], 'close')
    expect(performance.now() - left).toBeLessThan(500)
    const limited = await new Talk(engine, asking(url).note(LIMITS, { tls: 50 })).end()
    expect(limited.error).toMatchObject({ code: 'TIMEOUT', phase: 'tls' })
    await engine.close()
    await new Promise(resolve => server.close(resolve))
  })

  it.each(engines)('%s leaves a proxy that does not answer', async (_, factory) => {
    const sockets: Socket[] = []
    const server = net.createServer(socket => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      socket.resume()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await using engine = engineOf(factory)
    const route: Route = { hops: [{ protocol: 'http', host: '127.0.0.1', port }], tunnel: false }
    const talk = new Talk(engine, asking('http://somewhere.test/').note(ROUTE, route))
    await talk.until('the proxy is asked', () => (sockets[0]?.bytesRead ?? 0) > 0)
    talk.exchange.abort()
    if (sockets[0]?.closed === false) await once(sockets[0], 'close')
    await engine.close()
    await new Promise(resolve => server.close(resolve))
  })
})
