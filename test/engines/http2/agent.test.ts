import { once } from 'node:events'
import { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { SecureClientSessionOptions } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { Agent, proxies } from 'http2-wrapper'
import { isHttpError, type Engine, type HttpError } from 'sluice'
import { http2, type Http2Options } from 'sluice/engines/http2'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { refusal, send, sent } from '../../support/send.ts'

const { ca, good } = certificates()

/** An agent trusts whom its connections are told to trust. */
class Trusting extends Agent {
  override createConnection(origin: URL, options: SecureClientSessionOptions): Promise<TLSSocket> {
    return super.createConnection(origin, { ...options, ca })
  }
}

class TrustingProxy extends proxies.Http2OverHttp {
  override createConnection(origin: URL, options: SecureClientSessionOptions): Promise<TLSSocket> {
    return super.createConnection(origin, { ...options, ca })
  }
}

const engines: Engine[] = []
const agents: Agent[] = []

function open(agent: Agent = new Trusting(), options?: Http2Options): Engine {
  const engine = http2({ agent, ...options }).create()
  engines.push(engine)
  agents.push(agent)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
  for (const agent of agents.splice(0)) agent.destroy()
})

describe('an agent of http2-wrapper', () => {
  it('gives the sessions, and sluice the streams', async () => {
    await using server = await serve(
      { 'POST /': async request => reply.text(`echo ${await request.text()}`) },
      { protocol: 'h2', tls: good },
    )
    const agent = new Trusting()
    const engine = open(agent)
    const all = await Promise.all([1, 2, 3].map(n => sent(engine, server.url, { method: 'POST', body: String(n) })))
    expect(all.map(({ text }) => text)).toEqual(['echo 1', 'echo 2', 'echo 3'])
    expect(all.map(one => one.all('connection')[0]?.connection.reused)).toEqual([false, true, true])
    expect(all[0]?.all('connection')[0]?.connection).toMatchObject({ protocol: 'h2', remotePort: server.port })
    expect(server.connections.length).toBe(1)
    expect(agent.sessionCount).toBe(1)
    await engine.close()
    expect(agent.sessionCount).toBe(1)
  })

  it('brings requests through its proxy', async () => {
    await using server = await serve({ 'GET /': reply.text('through') }, { protocol: 'h2', tls: good })
    const asked: string[] = []
    const proxy = createServer()
    proxy.on('connect', ({ url = '' }, socket) => {
      asked.push(url)
      const [host, port] = url.split(':')
      const onward = net.connect(Number(port), host === 'localhost' ? '127.0.0.1' : host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
      socket.on('error', () => onward.destroy())
      socket.on('close', () => onward.destroy())
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
      const agent = new TrustingProxy({ proxyOptions: { url } })
      // Behind a proxy http2-wrapper knows a server by its name only, not by an address.
      expect((await sent(open(agent), `https://localhost:${server.port}/`)).text).toBe('through')
      expect(asked).toEqual([`localhost:${server.port}`])
      agent.destroy()
      await server.until(({ open: count }) => count === 0)
    } finally {
      proxy.closeAllConnections()
      await new Promise(resolve => proxy.close(resolve))
    }
  })

  it('keeps to a session that its server has given up no longer than sluice lets it', async () => {
    await using server = await serve(
      { 'GET /': { body: 'x' }, 'GET /long': { body: 'xx', fault: { kind: 'stall', at: 'mid-body', bytes: 1 } } },
      { protocol: 'h2', tls: good, maxRequestsPerConnection: 10 },
    )
    const engine = open()
    const long = send(engine, `${server.url}long`)
    await server.received()
    for (let count = 0; count < 60; count++) expect((await sent(engine, server.url)).text).toBe('x')
    expect(long.ends).toBe(0)
    long.exchange.abort()
  })

  it('that gets no session says why', async () => {
    await using server = await serve({}, { protocol: 'h2', tls: good })
    const { url } = server
    expect(await refusal(open(new Agent()), url)).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    await server.close()
    expect(await refusal(open(), url)).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'no' })
    const error = await refusal(open(), 'http://127.0.0.1:1/')
    expect(error.message).toContain('an Agent of http2-wrapper speaks HTTP/2 over TLS only')
  })

  it('does not keep a request longer than it may take to connect', async () => {
    await using server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
    const error = await refusal(open(new Trusting(), { connectTimeout: 60 }), server.url.replace('http:', 'https:'))
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', requestWritten: 'no' })
  })

  it('is the only one who is told about connecting', () => {
    const options = { agent: new Agent(), tls: { ca }, streams: 3 }
    let error: HttpError | undefined
    try {
      http2(options)
    } catch (thrown) {
      if (isHttpError(thrown)) error = thrown
    }
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(error?.message).toBe('http2({ agent }) leaves sessions to the agent: give tls, streams to that.')
  })
})

describe('the contract, on an agent of http2-wrapper', () => {
  const agent = new Trusting()
  const cases = engineContract('http2', http2({ agent }), { tls: good })
  // What the agent connects is the agent's: it does not close it when a request is left or an engine ends, nor tell of it.
  const theirs = /TLS handshake|leaves? no socket|connects no longer|tells which connection/
  for (const one of cases) {
    if (one.excluded === undefined && !theirs.test(one.title)) it(one.title, () => one.run())
  }
})
