/** Proxies that mean no good, or are broken: a typed error in time, no byte of theirs for anybody, no socket left. */
import type { Engine, HttpError, Route } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { describeEngines, open } from '../../support/proxied-engines.ts'
import { scriptedProxy, scriptedSocks, type Answer, type ScriptedProxy } from '../../support/scripted-proxy.ts'
import { send, sent } from '../../support/send.ts'

const { ca, good, selfSigned } = certificates()
const LOGIN = { username: 'ada', password: 'secret' }

const through = (proxy: ScriptedProxy, ask?: Route['ask']): Route => ({
  hops: [proxy.hop({ credentials: LOGIN })],
  tunnel: false,
  ask,
})

/** Sends with a secret for the server, and makes sure that nothing came but the failure. */
async function failing(engine: Engine, route: Route, url = 'https://127.0.0.1:9/'): Promise<HttpError> {
  const one = await send(engine, url, { route, headers: { authorization: 'Bearer for-the-server' } }).over
  expect(one.events).toEqual([])
  const { failure } = one
  if (failure === undefined) throw new Error('it was to fail')
  expect(failure.requestWritten).toBe('no')
  expect(JSON.stringify([failure, failure.message, failure.response])).not.toMatch(/secret|YWRhOnNlY3JldA/)
  return failure
}

const PAGE = '<h1>Gateway says no</h1>'
const LOOP =
  'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="loop"\r\nProxy-Authenticate: Digest realm="loop", nonce="n", qop="auth", stale=true\r\nContent-Length: 0\r\n\r\n'

const ANSWERS: readonly [what: string, answer: Answer, says: string, status?: number][] = [
  [
    'a page of its own with cookies',
    {
      write: `HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nSet-Cookie: spy=1\r\nContent-Length: ${PAGE.length}\r\n\r\n${PAGE}`,
    },
    'answered 502 (Bad Gateway) to CONNECT 127.0.0.1:9',
    502,
  ],
  [
    'a page in chunks',
    { write: 'HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n' },
    '503',
    503,
  ],
  ['a page that ends with the connection', { write: 'HTTP/1.0 500 No\r\n\r\nabc', end: true }, '500 (No)', 500],
  ['204', { write: 'HTTP/1.1 204 No Content\r\n\r\n' }, 'answered 204', 204],
  [
    'a redirect',
    { write: 'HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n' },
    '302',
    302,
  ],
  ['101', { write: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' }, 'not HTTP/1.1'],
  ['garbage', { write: 'SSH-2.0-OpenSSH_9.6\r\n' }, 'not HTTP/1.1'],
  ['a broken head', { write: 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n' }, 'not HTTP/1.1'],
  [
    'bytes behind the head',
    { write: 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n' },
    'sent 19 bytes behind its answer',
  ],
  [
    'a body with its 200',
    { write: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi' },
    'sent 2 bytes behind its answer',
  ],
  ['its end', { write: '', end: true }, 'closed the connection before it had answered'],
  ['half a head', { write: 'HTTP/1.1 200 O', end: true }, 'closed the connection before it had answered'],
  ['a reset', socket => socket.resetAndDestroy(), 'closed the connection before it had answered (ECONNRESET)'],
  ['an endless head', { write: `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(70_000)}` }, 'a head of more than 65536 bytes'],
  ['endless early answers', { write: 'HTTP/1.1 102 Wait\r\n\r\n'.repeat(20) }, 'more than 16 informational answers'],
]

describeEngines('a hostile proxy', () => {
  it.each(ANSWERS)('that answers with %s', async (_, answer, says, status) => {
    using leaks = watchLeaks()
    await using proxy = await scriptedProxy(() => answer)
    const engine = open()
    const error = await failing(engine, through(proxy))
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy' })
    expect(error.message).toContain(says)
    expect(error.message).toMatch(
      /^GET https:\/\/127\.0\.0\.1:9\/ was not sent: the proxy http:\/\/127\.0\.0\.1:\d+ [^]*\.$/,
    )
    expect(error.response?.status).toBe(status)
    await proxy.idle()
    expect(engine.stats?.()).toMatchObject({ open: 0, queued: 0 })
    expect(leaks.clientSockets()).toEqual([])
    expect(proxy.heard).not.toContain('for-the-server')
  })

  it('shows what the proxy said, as far as it is worth keeping', async () => {
    const long = 'x'.repeat(100_000)
    await using proxy = await scriptedProxy(({ target }) =>
      target.endsWith(':1') ? { write: `HTTP/1.1 500 Long\r\n\r\n${long}` } : (ANSWERS[0]?.[1] ?? 'tunnel'),
    )
    const engine = open()
    const short = await failing(engine, through(proxy))
    expect(short.response?.text()).toBe(PAGE)
    expect(short.response?.headers.get('content-type')).toBe('text/html')
    expect(short.response?.url).toBe(`http://127.0.0.1:${proxy.port}/`)
    const { response } = await failing(engine, through(proxy), 'https://127.0.0.1:1/')
    expect(response?.bytes.length).toBe(65_536)
  })

  it('that never stops with its page is not listened to for long', async () => {
    await using proxy = await scriptedProxy(() => ({ write: 'HTTP/1.1 500 Slow\r\n\r\nsome' }))
    const error = await failing(open({ connectTimeout: 60_000 }), through(proxy))
    expect(error.response?.text()).toBe('some')
    await proxy.idle()
  })

  it('that wants credentials again and again is not answered for ever', async () => {
    let asked = 0
    await using proxy = await scriptedProxy(() => ({ write: LOOP }))
    const ask = (): Promise<typeof LOGIN> => Promise.resolve({ username: 'ada', password: `secret ${++asked}` })
    const error = await failing(open(), through(proxy, ask))
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy', response: { status: 407 } })
    expect(proxy.asked.length).toBeLessThanOrEqual(4)
    expect(asked).toBeLessThanOrEqual(1)
    await proxy.idle()
  })

  it('that says nothing is not waited for longer than connecting may take', async () => {
    await using proxy = await scriptedProxy(() => ({ write: '' }))
    await using socks = await scriptedSocks({ instead: { at: 1, bytes: [] } })
    const engine = open({ connectTimeout: 150 })
    for (const route of [through(proxy), through(socks)]) {
      const before = performance.now()
      const error = await failing(engine, route)
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect' })
      expect(error.message).toMatch(
        /connecting to 127\.0\.0\.1:9 through the proxy (http|socks5):\/\/\S+ took longer than 150 ms\.$/,
      )
      expect(performance.now() - before).toBeLessThan(2000)
    }
    await proxy.idle()
    await socks.idle()
  })

  it('that says nothing is left at once', async () => {
    using leaks = watchLeaks()
    await using proxy = await scriptedProxy(() => ({ write: 'HTTP/1.1 200' }))
    await using silent = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
    const tls: Route = { hops: [{ protocol: 'https', host: '127.0.0.1', port: silent.port }], tunnel: false }
    const engine = open()
    const first = send(engine, 'https://127.0.0.1:9/', { route: through(proxy) })
    const second = send(engine, 'https://127.0.0.1:9/', { route: tls })
    await silent.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
    while (proxy.asked.length === 0) await new Promise(resolve => setImmediate(resolve))
    first.exchange.abort()
    second.exchange.abort()
    expect(engine.stats?.()).toMatchObject({ open: 0, queued: 0 })
    await Promise.all([proxy.idle(), silent.closed()])
    expect(leaks.clientSockets()).toEqual([])
    expect([first.ends, second.ends]).toEqual([0, 0])
  })

  it('that dies in the middle of the handshake with the server', async () => {
    await using proxy = await scriptedProxy(() => socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.once('data', () => socket.destroy())
    })
    const error = await failing(open(), through(proxy))
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls' })
    await proxy.idle()
  })

  it('that pretends to be the server is found out', async () => {
    await using proxy = await scriptedProxy(undefined)
    await using liar = await serve({ 'GET /': reply.text('trust me') }, { tls: selfSigned })
    const error = await failing(open(), through(proxy), liar.url)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls' })
    expect(liar.requests).toEqual([])
  })

  it('that dies in the middle of an answer', async () => {
    await using proxy = await scriptedProxy()
    await using server = await serve(
      { 'GET /': { body: 'x'.repeat(1000), fault: { kind: 'stall', at: 'mid-body' } } },
      { tls: good, protocol: 'auto' },
    )
    const one = send(open(), server.url, {
      route: through(proxy),
      seen: event => {
        if (event.type === 'chunk') void proxy[Symbol.asyncDispose]()
      },
    })
    expect((await one.over).failure?.code).toBe('BODY')
  })

  it('that cannot be reached is named', async () => {
    const engine = open()
    const hop = { protocol: 'http', host: '127.0.0.1', port: 1, credentials: LOGIN } as const
    const refused = await failing(engine, { hops: [hop], tunnel: false })
    expect(refused).toMatchObject({ code: 'PROXY', phase: 'connect' })
    expect(refused.response).toBeUndefined()
    expect(refused.message).toContain(
      'the proxy http://127.0.0.1:1 cannot be reached: 127.0.0.1:1 refused the connection (ECONNREFUSED).',
    )
    const unknown = await failing(engine, { hops: [{ ...hop, host: 'proxy.invalid' }], tunnel: false })
    expect(unknown).toMatchObject({ code: 'PROXY', phase: 'dns' })
    expect(unknown.message).toContain('the proxy http://proxy.invalid:1 cannot be reached: ')
  })

  it('whose certificate is not good is told nothing', async () => {
    await using proxy = await scriptedProxy(undefined, { tls: selfSigned })
    const error = await failing(open(), {
      hops: [proxy.hop({ tls: { ca }, credentials: LOGIN })],
      tunnel: false,
    })
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy' })
    expect(error.message).toContain('is signed by nobody but itself (DEPTH_ZERO_SELF_SIGNED_CERT)')
    expect(proxy.heard).toBe('')
    const wrong = await failing(open(), { hops: [proxy.hop({ tls: { cert: 'none', key: 'none' } })], tunnel: false })
    expect(wrong).toMatchObject({ code: 'CONFIG', phase: 'config' })
    await proxy.idle()
  })

  it('does not keep the next request from being served', async () => {
    await using proxy = await scriptedProxy(({ number }) =>
      number === 1 ? { write: 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' } : 'tunnel',
    )
    await using server = await serve({ 'GET /': reply.text('hello') }, { tls: good, protocol: 'auto' })
    const engine = open()
    const route = through(proxy)
    expect((await failing(engine, route, server.url)).response?.status).toBe(503)
    expect((await sent(engine, server.url, { route })).text).toBe('hello')
  })

  it.each<[string, Parameters<typeof scriptedSocks>[0], string]>([
    ['garbage', { instead: { at: 1, bytes: [0x48, 0x54, 0x54, 0x50] } }, 'not SOCKS5'],
    ['a way that is not known', { instead: { at: 1, bytes: [5, 1] } }, 'in a way that we do not speak'],
    ['its end', { instead: { at: 1, bytes: [], end: true } }, 'in the middle of the SOCKS handshake'],
    ['no', { credentials: { username: 'grace', password: 'pw' } }, 'does not accept the credentials'],
    ['half a refusal', { credentials: LOGIN, instead: { at: 2, bytes: [7, 0] } }, 'not SOCKS5'],
    [
      'a refusal',
      { instead: { at: 3, bytes: [5, 5, 0, 1, 0, 0, 0, 0, 0, 0] } },
      'was asked for 127.0.0.1:9 and was refused by it (SOCKS error 5)',
    ],
    [
      'a refusal nobody knows',
      { instead: { at: 3, bytes: [5, 99, 0, 1, 0, 0, 0, 0, 0, 0] } },
      'has failed (SOCKS error 99)',
    ],
    ['an address of no kind', { instead: { at: 3, bytes: [5, 0, 0, 9, 0, 0, 0, 0, 0, 0] } }, 'not SOCKS5'],
    [
      'bytes behind its answer',
      { instead: { at: 3, bytes: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 72, 73] } },
      'sent 2 bytes behind its answer',
    ],
    [
      'an answer to what was not asked',
      { instead: { at: 1, bytes: [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0] } },
      'sent 10 bytes for which it was not asked',
    ],
  ])('of SOCKS5 that answers with %s', async (_, script, says) => {
    await using proxy = await scriptedSocks(script)
    const error = await failing(open(), through(proxy))
    expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy' })
    expect(error.message).toContain(says)
    await proxy.idle()
  })

  it('of SOCKS5 is not told what it cannot understand', async () => {
    await using proxy = await scriptedSocks()
    const engine = open()
    const name = `https://${`${'n'.repeat(60)}.`.repeat(5)}test/`
    expect((await failing(engine, through(proxy), name)).message).toContain(
      'cannot be asked for a name of more than 255 bytes',
    )
    const route: Route = {
      hops: [proxy.hop({ credentials: { username: 'u', password: 'p'.repeat(256) } })],
      tunnel: false,
    }
    expect((await failing(engine, route)).message).toContain('cannot be told a user or password of more than 255 bytes')
    expect(proxy.heard).toBe('')
    await proxy.idle()
  })
})
