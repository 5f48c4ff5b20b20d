/** http:// over one HTTP proxy: it is asked in place of the server, in absolute form. */
import type { Route } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { describeEngines, open } from '../../support/proxied-engines.ts'
import { refusal, send, sent } from '../../support/send.ts'

const { ca, good } = certificates()
const LOGIN = { username: 'ada', password: 'pw' }
const BASIC = `Basic ${Buffer.from('ada:pw').toString('base64')}`
const URL = 'http://api.sluice.test:8080/users?x=1'

const to = (port: number, more: Partial<Route['hops'][0]> = {}, ask?: Route['ask']): Route => ({
  hops: [{ protocol: 'http', host: '127.0.0.1', port, ...more }],
  tunnel: false,
  ask,
})

describeEngines('without a tunnel', () => {
  it('asks the proxy for the whole url, over connections that are kept', async () => {
    await using proxy = await serve({ 'GET /users': reply.text('forwarded') })
    const engine = open()
    const route = to(proxy.port, { credentials: LOGIN })
    for (let count = 0; count < 3; count++)
      expect((await sent(engine, URL, { route, headers: { 'x-own': 'kept' } })).text).toBe('forwarded')
    expect(proxy.connections).toHaveLength(1)
    expect(proxy.requests.map(({ target }) => target)).toEqual([URL, URL, URL])
    expect(proxy.requests[0]?.headers).toMatchObject({
      host: 'api.sluice.test:8080',
      'proxy-authorization': BASIC,
      'x-own': 'kept',
    })
  })

  it('goes to a proxy over TLS likewise', async () => {
    await using proxy = await serve({ 'POST /users': reply.text('taken') }, { tls: good })
    const route = to(proxy.port, { protocol: 'https', tls: { ca } })
    const one = await sent(open(), URL, { route, method: 'POST', body: new Uint8Array(200_000) })
    expect(one.text).toBe('taken')
    expect(proxy.requests[0]).toMatchObject({ target: URL, bodyBytes: 200_000 })
    expect(proxy.connections[0]?.tls?.alpn).toBe('http/1.1')
  })

  it('asks it for several servers, over connections of their own', async () => {
    await using proxy = await serve({ 'GET /': ({ headers }) => reply.text(headers['host'] ?? '') })
    const route = to(proxy.port)
    const engine = open()
    for (const host of ['a.sluice.test', 'b.sluice.test'])
      expect((await sent(engine, `http://${host}/`, { route })).text).toBe(host)
    expect(proxy.connections).toHaveLength(2)
  })

  it('passes on what a proxy answers that may come from the server', async () => {
    await using proxy = await serve({ 'GET /users': reply.text('no', { status: 502 }) })
    expect((await sent(open(), URL, { route: to(proxy.port) })).head?.status).toBe(502)
  })

  it('is refused with PROXY when the proxy wants credentials', async () => {
    const page = reply.text('<h1>Who are you?</h1>', {
      status: 407,
      headers: { 'proxy-authenticate': 'Basic realm="office"', 'set-cookie': 'spy=1' },
    })
    await using proxy = await serve({ 'GET /users': page })
    const one = await send(open(), URL, { route: to(proxy.port) }).over
    expect(one.kinds).not.toContain('head')
    expect(one.failure).toMatchObject({ code: 'PROXY', phase: 'proxy', requestWritten: 'no' })
    expect(one.failure?.response).toMatchObject({ status: 407, url: `http://127.0.0.1:${proxy.port}/` })
    expect(one.failure?.response?.text()).toBe('<h1>Who are you?</h1>')
    expect(one.failure?.message).toBe(
      `GET ${URL.replace('x=1', 'x=<redacted:1>')} was not let through: the proxy http://127.0.0.1:${proxy.port} answered 407 (Proxy Authentication Required).`,
    )
  })

  it('asks for credentials once, and keeps what was accepted', async () => {
    const asked: unknown[] = []
    await using proxy = await serve({
      'PUT /users': ({ headers }) =>
        headers['proxy-authorization'] === BASIC
          ? reply.text('in')
          : reply.text('', { status: 407, headers: { 'proxy-authenticate': 'Basic realm="office"' } }),
    })
    const engine = open()
    const route = to(proxy.port, { credentials: { username: 'ada', password: 'old' } }, challenge => {
      asked.push(challenge)
      return Promise.resolve(LOGIN)
    })
    for (let count = 0; count < 2; count++)
      expect((await sent(engine, URL, { route, method: 'PUT', body: 'twice' })).text).toBe('in')
    expect(asked).toEqual([
      { proxy: `http://127.0.0.1:${proxy.port}`, realm: 'office', schemes: ['basic'], refused: true },
    ])
    expect(proxy.requests.map(({ body }) => Buffer.from(body ?? []).toString())).toEqual(['twice', 'twice', 'twice'])
    // One on which a body was refused is not used again.
    expect(proxy.connections).toHaveLength(2)
  })

  it('does not send a body twice that cannot be', async () => {
    let asked = 0
    await using proxy = await serve({
      'PUT /users': reply.text('', { status: 407, headers: { 'proxy-authenticate': 'Basic realm="office"' } }),
    })
    const route = to(proxy.port, {}, () => {
      asked++
      return Promise.resolve(LOGIN)
    })
    async function* body(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(10))
    }
    const error = await refusal(open(), URL, { route, method: 'PUT', body: body() })
    expect(error).toMatchObject({ code: 'PROXY', response: { status: 407 } })
    expect(asked).toBe(0)
    expect(proxy.requests).toHaveLength(1)
  })

  it.each([
    ['that goes on for ever', { body: 'x'.repeat(200_000), fault: { kind: 'stall', at: 'mid-body', bytes: 100_000 } }],
    ['that stops', { body: 'x'.repeat(100), fault: { kind: 'stall', at: 'mid-body', bytes: 50 } }],
    ['that is cut off', { body: 'x'.repeat(100), fault: { kind: 'reset', at: 'mid-body', bytes: 50 } }],
  ] as const)('does not wait for a refusal %s', async (_, answer) => {
    await using proxy = await serve({
      'GET /users': { status: 407, headers: { 'proxy-authenticate': 'Basic realm="x"' }, ...answer },
    })
    const engine = open()
    const error = await refusal(engine, URL, { route: to(proxy.port) })
    expect(error).toMatchObject({ code: 'PROXY', response: { status: 407 } })
    const size = error.response?.bytes.length ?? 0
    expect(size === 65_536 || size === 50).toBe(true)
    await proxy.closed()
    expect(engine.stats?.()).toMatchObject({ open: 0, busy: 0 })
  })

  it('can be left while it asks for credentials', async () => {
    await using proxy = await serve({
      'GET /users': reply.text('', { status: 407, headers: { 'proxy-authenticate': 'Basic realm="x"' } }),
    })
    const engine = open()
    const asking = Promise.withResolvers<undefined>()
    const answer = Promise.withResolvers<typeof LOGIN>()
    const one = send(engine, URL, {
      route: to(proxy.port, {}, () => {
        asking.resolve(undefined)
        return answer.promise
      }),
    })
    await asking.promise
    one.exchange.abort()
    answer.resolve(LOGIN)
    await engine.close()
    expect([one.ends, proxy.requests.length]).toEqual([0, 1])
  })
})

describe('an engine of HTTP/2 in the clear', () => {
  it('makes a tunnel for http://, also where it could do without', async () => {
    const { http2 } = await import('sluice/engines/http2')
    const { scriptedProxy } = await import('../../support/scripted-proxy.ts')
    await using proxy = await scriptedProxy()
    await using server = await serve({ 'GET /': reply.text('h2c') }, { protocol: 'h2c' })
    const engine = http2({ mode: 'h2c' }).create()
    const one = await sent(engine, server.url, { route: to(proxy.port) })
    expect([one.text, one.head?.httpVersion]).toEqual(['h2c', '2'])
    expect(proxy.asked).toMatchObject([{ method: 'CONNECT', target: `127.0.0.1:${server.port}` }])
    await engine.destroy()
  })
})
