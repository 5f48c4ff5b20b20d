/** The plugin and every engine that goes through proxies, together on real sockets. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { firstValueFrom, of } from 'rxjs'
import { createClient, type ProxyChallenge } from 'sluice'
import { proxy } from 'sluice/plugins/proxy'
import { redirect } from 'sluice/plugins/redirect'
import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { describeEngines, open } from '../../support/proxied-engines.ts'
import { scriptedProxy, scriptedSocks } from '../../support/scripted-proxy.ts'

const { ca, good } = certificates()
const loopback = true

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describeEngines('as proxy() says', () => {
  it('goes by the first proxy that can be reached, and keeps its tunnel', async () => {
    await using way = await scriptedProxy(undefined, { tls: good })
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const url = [`http://127.0.0.1:${await closedPort()}`, `https://ada:p%40ss@127.0.0.1:${way.port}`]
    const client = createClient({ engine: open(), plugins: [proxy({ url, loopback, tls: { ca } })] })
    for (let count = 0; count < 3; count++) expect((await firstValueFrom(client.get(server.url))).text()).toBe('hello')
    const said = `Basic ${Buffer.from('ada:p@ss').toString('base64')}`
    expect(way.asked.map(({ method, headers }) => [method, headers['proxy-authorization']])).toEqual([
      ['CONNECT', said],
    ])
    expect(server.requests.map(({ headers }) => headers['proxy-authorization'])).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('leaves a proxy that says nothing for the next', async () => {
    await using silent = await scriptedProxy(() => () => undefined)
    await using way = await scriptedSocks()
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const url = [`http://127.0.0.1:${silent.port}`, `socks5://127.0.0.1:${way.port}`]
    const client = createClient({ engine: open({ connectTimeout: 100 }), plugins: [proxy({ url, loopback })] })
    expect((await firstValueFrom(client.get(server.url))).text()).toBe('hello')
    await silent.idle()
    expect([silent.asked.length, way.asked.length]).toEqual([1, 1])
  })

  it('ends with what a proxy answers, and asks no other', async () => {
    const page = '<h1>no</h1>'
    await using refusing = await scriptedProxy(() => ({
      write: `HTTP/1.1 502 Bad Gateway\r\nSet-Cookie: a=b\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
    }))
    await using way = await scriptedProxy()
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const url = [`http://ada:hush@127.0.0.1:${refusing.port}`, `http://127.0.0.1:${way.port}`]
    const client = createClient({ engine: open(), plugins: [proxy({ url, loopback })] })
    const error: unknown = await firstValueFrom(client.get(server.url)).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'PROXY', requestWritten: 'no', response: { status: 502 } })
    expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('hush')
    expect([way.asked.length, server.requests.length]).toEqual([0, 0])
  })

  it('asks for credentials once, and gets in with them', async () => {
    await using way = await scriptedProxy(({ headers }) =>
      headers['proxy-authorization'] === undefined
        ? { write: 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n' }
        : 'tunnel',
    )
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const asked: ProxyChallenge[] = []
    const ask = (challenge: ProxyChallenge) => {
      asked.push(challenge)
      return of({ username: 'ada', password: 'pw' })
    }
    const url = `http://127.0.0.1:${way.port}`
    const client = createClient({ engine: open(), plugins: [proxy({ url, ask, loopback })] })
    expect((await firstValueFrom(client.get(server.url))).text()).toBe('hello')
    expect(asked).toEqual([{ proxy: url, realm: 'x', schemes: ['basic'], refused: false }])
  })

  it('takes another way for the next hop of a redirect, without the credentials of the first', async () => {
    await using first = await scriptedProxy()
    await using second = await scriptedProxy()
    await using to = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    await using from = await serve({ 'GET /': reply.redirect(to.url) }, { tls: good, protocol: 'auto' })
    const rules = {
      [`127.0.0.1:${from.port}`]: `http://ada:hush@127.0.0.1:${first.port}`,
      [`127.0.0.1:${to.port}`]: `http://127.0.0.1:${second.port}`,
    }
    const client = createClient({ engine: open(), plugins: [redirect(), proxy({ rules, loopback })] })
    expect((await firstValueFrom(client.get(from.url))).text()).toBe('hello')
    expect([first, second].map(({ asked }) => asked.map(({ target }) => target))).toEqual([
      [`127.0.0.1:${from.port}`],
      [`127.0.0.1:${to.port}`],
    ])
    expect([first, second].map(({ heard }) => /proxy-authorization/i.test(heard))).toEqual([true, false])
    const heads = [...from.requests, ...to.requests].map(({ headers }) => JSON.stringify(headers))
    expect(heads.join('')).not.toMatch(/proxy-/i)
  })

  it('goes its own way for one call', async () => {
    await using way = await scriptedProxy()
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const client = createClient({ engine: open(), plugins: [proxy({ loopback })] })
    for (const through of [`http://127.0.0.1:${way.port}`, `http://127.0.0.1:${way.port}/`, false] as const)
      await firstValueFrom(client.get(server.url, { proxy: through }))
    expect([way.asked.length, server.connections.length]).toEqual([1, 2])
  })
})
