/** 407: Basic and Digest, asking once, and what is remembered of it. */
import { createHash } from 'node:crypto'
import type { ProxyChallenge, Route } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { describeEngines, open } from '../../support/proxied-engines.ts'
import { scriptedProxy, type Answer, type Asked, type ScriptedProxy } from '../../support/scripted-proxy.ts'
import { refusal, send, sent } from '../../support/send.ts'

const { good } = certificates()
const LOGIN = { username: 'ada', password: 'pw' }

const closing = (...challenges: string[]): Answer => ({
  write: `HTTP/1.1 407 Who\r\n${challenges.map(value => `Proxy-Authenticate: ${value}\r\n`).join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`,
  end: true,
})

const secured = (): ReturnType<typeof serve> =>
  serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto', maxRequestsPerConnection: 1 })

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** Whether what was said proves that the password is known. */
function proven({ method, target, headers }: Asked, password: string): boolean {
  const said = headers['proxy-authorization'] ?? ''
  const of = (name: string): string => new RegExp(`[ ,]${name}="?([^",]*)`).exec(said)?.[1] ?? ''
  const h = (text: string): string =>
    createHash({ 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256' }[of('algorithm')] ?? 'md5')
      .update(text)
      .digest('hex')
  if (!said.startsWith('Digest ') || of('uri') !== target) return false
  const a1 = h(`${of('username')}:${of('realm')}:${password}`)
  return of('response') === h(`${a1}:${of('nonce')}:${of('nc')}:${of('cnonce')}:auth:${h(`${method}:${target}`)}`)
}

const to = (proxy: ScriptedProxy, credentials: typeof LOGIN | undefined, ask?: Route['ask']): Route => ({
  hops: [proxy.hop(credentials === undefined ? {} : { credentials })],
  tunnel: false,
  ask,
})

describeEngines('a proxy that wants to know who comes', () => {
  it('is told by digest, with the best hash it knows, and from then on without being asked', async () => {
    await using proxy = await scriptedProxy(asked =>
      proven(asked, 'pw')
        ? 'tunnel'
        : closing(
            'Basic realm="r"',
            'Digest realm="r", nonce="1", qop="auth", algorithm=MD5, Digest realm="r", nonce="2", qop="auth", algorithm=SHA-256',
          ),
    )
    await using server = await secured()
    const engine = open()
    const route = to(proxy, LOGIN)
    for (let count = 0; count < 3; count++) {
      expect((await sent(engine, server.url, { route })).text).toBe('hello')
      await server.closed(count + 1)
    }
    const said = proxy.asked.map(({ headers }) => headers['proxy-authorization'])
    expect(said[0]).toBe(basic('ada', 'pw'))
    expect(said.slice(1).map(text => /nonce="2".*algorithm=SHA-256.*nc=(\d+)/.exec(text ?? '')?.[1])).toEqual([
      '00000001',
      '00000002',
      '00000003',
    ])
  })

  it('hears each count of a nonce once, also when it gives the same one to many', async () => {
    await using proxy = await scriptedProxy(asked =>
      proven(asked, 'pw') ? 'tunnel' : closing('Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256'),
    )
    await using server = await secured()
    await using other = await secured()
    const engine = open()
    const route = to(proxy, LOGIN)
    const all = [server, other, server, other].map(({ url }) => sent(engine, url, { route }))
    for (const one of all) expect((await one).text).toBe('hello')
    const counts = proxy.asked.flatMap(
      ({ headers }) => /nc=(\w+)/.exec(headers['proxy-authorization'] ?? '')?.[1] ?? [],
    )
    expect(counts.length).toBeGreaterThanOrEqual(2)
    expect(new Set(counts).size).toBe(counts.length)
  })

  it('may have forgotten its nonce, and gives another', async () => {
    let nonce = 1
    const fresh = (stale: string): Answer => closing(`Digest realm="r", nonce="n${nonce}", qop="auth"${stale}`)
    await using proxy = await scriptedProxy(asked =>
      proven(asked, 'pw') && asked.headers['proxy-authorization']?.includes(`nonce="n${nonce}"`) === true
        ? 'tunnel'
        : fresh(nonce > 1 ? ', stale=true' : ''),
    )
    await using server = await secured()
    const engine = open()
    const route = to(proxy, LOGIN)
    await sent(engine, server.url, { route })
    await server.closed(1)
    nonce = 2
    expect((await sent(engine, server.url, { route })).text).toBe('hello')
    expect(proxy.asked).toHaveLength(4)
  })

  it('is asked about only once when the password is wrong', async () => {
    await using proxy = await scriptedProxy(() => closing('Digest realm="r", nonce="n", qop="auth"'))
    await using server = await secured()
    const error = await refusal(open(), server.url, { route: to(proxy, LOGIN) })
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy', response: { status: 407 } })
    // Basic, unasked, and what it asked for.
    expect(proxy.asked).toHaveLength(2)
  })

  it('is told what somebody knows who is asked, once for all who wait', async () => {
    const heard: ProxyChallenge[] = []
    await using proxy = await scriptedProxy(({ headers }) =>
      headers['proxy-authorization'] === basic('grace', 'g') ? 'tunnel' : closing('Basic realm="office"', 'NTLM'),
    )
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good })
    const engine = open()
    const answer = Promise.withResolvers<{ username: string; password: string }>()
    const route = to(proxy, undefined, challenge => {
      heard.push(challenge)
      return answer.promise
    })
    const all = Array.from({ length: 3 }, () => sent(engine, server.url, { route }))
    while (heard.length === 0) await new Promise(resolve => setImmediate(resolve))
    answer.resolve({ username: 'grace', password: 'g' })
    for (const one of all) expect((await one).text).toBe('hello')
    expect(heard).toEqual([
      { proxy: `http://127.0.0.1:${proxy.port}`, realm: 'office', schemes: ['basic', 'ntlm'], refused: false },
    ])
  })

  it('stays closed when nobody knows anything, and says who failed to', async () => {
    await using proxy = await scriptedProxy(() => closing('Basic realm="r"'))
    await using server = await secured()
    const engine = open()
    const none = await refusal(engine, server.url, { route: to(proxy, undefined, () => Promise.resolve(undefined)) })
    expect(none).toMatchObject({ code: 'PROXY', response: { status: 407 } })
    const why = new Error('the vault is closed')
    const failed = await refusal(engine, server.url, { route: to(proxy, undefined, () => Promise.reject(why)) })
    expect(failed).toMatchObject({ code: 'PROXY', response: { status: 407 }, cause: why })
    const thrown = await refusal(engine, server.url, {
      route: to(proxy, undefined, () => {
        throw why
      }),
    })
    expect(thrown).toMatchObject({ code: 'PROXY', cause: why })
    expect(proxy.asked).toHaveLength(3)
  })

  it.each([
    ['a way that we do not speak', ['NTLM', 'Negotiate']],
    ['a hash that we do not speak', ['Digest realm="r", nonce="n", algorithm=SHA-1']],
    ['nothing in particular', []],
  ])('stays closed when it wants %s', async (_, challenges) => {
    let asked = 0
    await using proxy = await scriptedProxy(() => closing(...challenges))
    const route = to(proxy, LOGIN, () => {
      asked++
      return Promise.resolve(LOGIN)
    })
    expect(await refusal(open(), 'https://127.0.0.1:9/', { route })).toMatchObject({ code: 'PROXY' })
    expect([proxy.asked.length, asked]).toEqual([1, 0])
  })

  it('is not waited for when the request is left while somebody is asked', async () => {
    await using proxy = await scriptedProxy(() => closing('Basic realm="r"'))
    const engine = open()
    const asking = Promise.withResolvers<undefined>()
    const answer = Promise.withResolvers<typeof LOGIN>()
    const route = to(proxy, undefined, () => {
      asking.resolve(undefined)
      return answer.promise
    })
    const one = send(engine, 'https://127.0.0.1:9/', { route })
    await asking.promise
    one.exchange.abort()
    answer.resolve(LOGIN)
    await engine.close()
    await proxy.idle()
    expect([one.ends, proxy.asked.length]).toEqual([0, 1])
  })

  it('is told so by one engine, and need not ask the next one that goes the same way', async () => {
    let count = 0
    await using proxy = await scriptedProxy(({ headers }) =>
      headers['proxy-authorization'] === basic('ada', 'pw') ? 'tunnel' : closing('Basic realm="r"'),
    )
    await using server = await secured()
    const route = to(proxy, undefined, () => {
      count++
      return Promise.resolve(LOGIN)
    })
    for (const engine of [open(), open()]) await sent(engine, server.url, { route })
    expect(count).toBe(1)
  })
})
