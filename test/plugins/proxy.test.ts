import { inspect } from 'node:util'
import { firstValueFrom, Observable, of, throwError, timer } from 'rxjs'
import { createClient, definePlugin, HttpError, isHttpError, type HttpEvent } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { logging } from 'sluice/plugins/logging'
import { proxy, proxyFromEnv } from 'sluice/plugins/proxy'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ROUTE, type HttpRequest, type Route } from '../../src/index.ts'
import { virtually } from '../support/virtual-time.ts'

const P = 'http://p.test:3128'
const Q = 'socks5://q.test:1080'

/** A route for people; the direct one is `direct`. */
function path(request: HttpRequest): string {
  const route = request.read(ROUTE)
  if (route === undefined) return 'direct'
  return route.hops.map(({ protocol, host, port }) => `${protocol}://${host}:${port}`).join(' > ')
}

function open(plugin: ReturnType<typeof proxy>, engine: MockEngine = mock({ '*': 200 })) {
  return { api: engine, client: createClient({ engine, plugins: [plugin] }) }
}

/** Which way requests to these urls go. */
async function ways(plugin: ReturnType<typeof proxy>, ...urls: readonly string[]): Promise<string[]> {
  const { api, client } = open(plugin)
  for (const url of urls) await firstValueFrom(client.get(url))
  return api.history.map(({ request }) => path(request))
}

async function errorOf(call: Observable<unknown>): Promise<HttpError> {
  const caught: unknown = await firstValueFrom(call).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!isHttpError(caught)) throw new Error(`no HttpError but ${String(caught)}`)
  return caught
}

function thrown(make: () => unknown): HttpError {
  try {
    make()
  } catch (error) {
    if (isHttpError(error)) return error
    throw error
  }
  throw new Error('threw nothing')
}

function requestOf({ history }: MockEngine): HttpRequest {
  const [first] = history
  if (first === undefined) throw new Error('nothing was sent')
  return first.request
}

function routeOf({ history }: MockEngine, at = 0): Route {
  const route = history[at]?.request.read(ROUTE)
  if (route === undefined) throw new Error('the request goes directly')
  return route
}

describe('one proxy', () => {
  it('is the way for everything', async () => {
    expect(await ways(proxy({ url: P }), 'http://a.test/', 'https://b.test/')).toEqual([P, P])
    expect(await ways(proxy({ url: new URL(P) }), 'http://a.test/')).toEqual([P])
    expect(await ways(proxy(), 'http://a.test/')).toEqual(['direct'])
    expect(await ways(proxy({ url: false }), 'http://a.test/')).toEqual(['direct'])
  })

  it.each([
    ['http://p.test', 'http', 'p.test', 80],
    ['https://p.test/', 'https', 'p.test', 443],
    ['https://p.test:80', 'https', 'p.test', 80],
    ['socks5://p.test', 'socks5', 'p.test', 1080],
    ['socks5://p.test:80', 'socks5', 'p.test', 80],
    ['SOCKS5H://P.test:1081', 'socks5', 'p.test', 1081],
    ['http://[::1]:3128', 'http', '::1', 3128],
    ['socks5://[2001:db8::1]', 'socks5', '2001:db8::1', 1080],
    ['http://0x7f.1:8080', 'http', '127.0.0.1', 8080],
    ['http://bücher.test', 'http', 'xn--bcher-kva.test', 80],
  ])('%s is read', async (url, protocol, host, port) => {
    const { api, client } = open(proxy({ url }))
    await firstValueFrom(client.get('http://a.test/'))
    expect(routeOf(api).hops).toMatchObject([{ protocol, host, port }])
    expect(routeOf(api).hops[0]?.credentials).toBeUndefined()
  })

  it.each([
    ['http://ada:s%40c%3Aret@p.test', 'ada', 's@c:ret'],
    ['http://a%C3%A9:%E2%82%AC@p.test', 'aé', '€'],
    ['http://ada@p.test', 'ada', ''],
    ['http://:pw@p.test', '', 'pw'],
    ['http://ada:100%@p.test', 'ada', '100%'],
    ['http://ada:%^%2F@p.test', 'ada', '%^/'],
    ['http://a@b:c@d@p.test', 'a@b', 'c@d'],
    ['socks5://a%3Ab:c@p.test', 'a:b', 'c'],
    [`socks5://ada:${'x'.repeat(255)}@p.test`, 'ada', 'x'.repeat(255)],
  ])('%s has its credentials decoded', async (url, username, password) => {
    const { api, client } = open(proxy({ url }))
    await firstValueFrom(client.get('http://a.test/'))
    expect(routeOf(api).hops[0]?.credentials).toEqual({ username, password })
  })

  it.each<[unknown, RegExp]>([
    ['p.test:3128', /^proxy\(\{ url \}\) cannot be used: it does not begin with http:\/\//],
    ['ada:hush@p.test:3128', /it does not begin with/],
    ['ftp://ada:hush@p.test', /a kind that is not known/],
    ['socks4://ada:hush@p.test', /a kind that is not known/],
    ['http://ada:hu/sh@p.test', /it is no url/],
    ['http://hu\\sh@p.test', /something follows its host and port/],
    ['http://ada:hush@p.test/path', /something follows/],
    ['http://ada:hush@p.test?', /something follows/],
    ['http://ada:hush@p.test#', /something follows/],
    ['http://ada:hush@p.test:0', /port 0/],
    ['http://ada:hush@p.test:70000', /it is no url/],
    ['http://ada:hush@p.test\r\nx: y', /a control character/],
    [' http://ada:hush@p.test', /a space/],
    ['http://ada:hu%0Ash@p.test', /a control character/],
    ['http://ada:hu%FFsh@p.test', /is not UTF-8/],
    ['http://a%3Ada:hush@p.test', /a user cannot have a colon/],
    [`socks5://ada:hush${'x'.repeat(252)}@p.test`, /at most 255 bytes/],
    [`socks5://hush${'x'.repeat(252)}:a@p.test`, /at most 255 bytes/],
    [`socks5://hush${'é'.repeat(126)}:a@p.test`, /at most 255 bytes/],
    ['http://', /it is no url/],
    ['', /does not begin/],
    [7, /it is no url/],
    [null, /it is no url/],
    [true, /it is no url/],
    [[], /is an empty list; write false/],
    [[P, 7], /^proxy\(\{ url \}\)\[1\] cannot be used: it is no url/],
    [[[P]], /^proxy\(\{ url \}\)\[0\] cannot be used/],
    [{ chain: [P] }, /chain must be a list of two/],
    [{ chain: [P, 'ada:hush'] }, /^proxy\(\{ url \}\)\.chain\[1\] cannot be used/],
  ])('%o is refused and not shown', async (url, why) => {
    const wrong = thrown(() => proxy({ url: url as string }))
    expect([wrong.code, wrong.phase]).toEqual(['CONFIG', 'config'])
    expect(wrong.message).toMatch(why)
    expect(`${inspect(wrong, { depth: 10 })}${JSON.stringify(wrong)}`).not.toMatch(/hu.{0,3}sh|\bada\b/)
    const { client } = open(proxy())
    const atCall = await errorOf(client.get('http://a.test/', { proxy: { url: url as string } }))
    expect(atCall.message).toMatch(why)
  })

  it('is asked for tunnels, with TLS of its own, by way of another, when it is told so', async () => {
    const tls = { ca: 'PEM', servername: 'p.test' }
    const { api, client } = open(proxy({ url: { chain: ['https://ada:pw@p.test', Q] }, tunnel: true, tls }))
    await firstValueFrom(client.get('http://a.test/'))
    const { hops, tunnel, ask } = routeOf(api)
    expect([path(requestOf(api)), tunnel, ask]).toEqual(['https://p.test:443 > socks5://q.test:1080', true, undefined])
    expect(hops.map(hop => hop.tls)).toEqual([tls, undefined])
    expect(hops.map(hop => hop.credentials?.username)).toEqual(['ada', undefined])
  })

  it.each<[object, RegExp]>([
    [{ rules: [P] }, /^proxy\(\{ rules \}\) must be an object of proxies by host/],
    [{ rules: { 'a b*c': P } }, /^proxy\(\{ rules \}\)\["a b\*c"\] is no rule: "b\*c" is no host; write/],
    [{ rules: { '': P } }, /is no rule/],
    [{ rules: { 'a.test': 'hush' } }, /^proxy\(\{ rules \}\)\["a.test"\] cannot be used: it does not begin/],
    [{ resolve: P }, /^proxy\(\{ resolve \}\) must be a function/],
    [{ env: 'yes' }, /^proxy\(\{ env \}\) must be true for the environment/],
    [{ env: { http_proxy: 7 } }, /^proxy\(\{ env \}\) must be/],
    [
      { env: { http_proxy: 'ftp://ada:hush@x' } },
      /^The environment variable http_proxy cannot be used: it is a proxy of/,
    ],
    [{ loopback: 1 }, /^proxy\(\{ loopback \}\) must be true or false/],
    [{ tunnel: 'no' }, /^proxy\(\{ tunnel \}\) must be true or false/],
    [{ tls: { certificate: 'hush' } }, /^proxy\(\{ tls \}\) must be an object of ca, cert/],
    [{ ask: 'hush' }, /^proxy\(\{ ask \}\) must be a function/],
    [{ prxy: P }, /^proxy has no option "prxy"/],
  ])('options %o are refused', (options, why) => {
    const wrong = thrown(() => proxy(options))
    expect([wrong.code, wrong.message]).toEqual(['CONFIG', expect.stringMatching(why)])
  })
})

describe('a call', () => {
  it('says a proxy, several, a url, options, or none', async () => {
    const { api, client } = open(proxy({ url: P, rules: { 'r.test': false } }))
    await firstValueFrom(client.get('http://a.test/', { proxy: Q }))
    await firstValueFrom(client.get('http://a.test/', { proxy: new URL('https://u.test') }))
    await firstValueFrom(client.get('http://a.test/', { proxy: ['https://first.test', P] }))
    await firstValueFrom(client.get('http://a.test/', { proxy: { url: Q } }))
    await firstValueFrom(client.get('http://a.test/', { proxy: false }))
    await firstValueFrom(client.get('http://a.test/'))
    expect(api.history.map(({ request }) => path(request))).toEqual([
      Q,
      'https://u.test:443',
      'https://first.test:443',
      Q,
      'direct',
      P,
    ])
  })

  it('is not overruled by what the client says of where to go, also when it says the same', async () => {
    const client = { url: P, rules: { '*': false }, resolve: () => false as const, env: { all_proxy: Q } } as const
    const { api, client: through } = open(proxy(client))
    const said: readonly NonNullable<Parameters<typeof through.get>[1]>[] = [
      { proxy: P },
      { proxy: { rules: { 'b.test': Q } } },
      { proxy: { rules: { 'a.test': Q } } },
      { proxy: { env: client.env } },
      { proxy: { resolve: () => P } },
      { proxy: { tunnel: true } },
    ]
    for (const options of said) await firstValueFrom(through.get('http://a.test/', options))
    expect(api.history.map(({ request }) => path(request))).toEqual([P, 'direct', Q, Q, P, 'direct'])
  })

  it('keeps what the client says of how to go', async () => {
    const { api, client } = open(proxy({ tunnel: true }))
    await firstValueFrom(client.get('http://a.test/', { proxy: P }))
    expect(routeOf(api).tunnel).toBe(true)
  })
})

describe('rules', () => {
  it('are asked in their order, by host, network, port and scheme', async () => {
    const plugin = proxy({
      rules: {
        'a.test:8443, 10.0.0.0/8': false,
        'https://a.test': Q,
        '.b.test': { chain: [P, Q] },
        'b.test': [P, false],
      },
      url: 'https://rest.test',
    })
    const urls = [
      'https://a.test:8443/',
      'http://10.1.1.1/',
      'https://a.test/',
      'http://a.test/',
      'http://x.b.test/',
      'http://b.test/',
    ]
    expect(await ways(plugin, ...urls)).toEqual(['direct', 'direct', Q, 'https://rest.test:443', `${P} > ${Q}`, P])
  })

  it('leave to the environment what none of them is about', async () => {
    const plugin = proxyFromEnv({ env: { all_proxy: Q }, rules: { 'a.test': P } })
    expect(await ways(plugin, 'http://a.test/', 'http://b.test/')).toEqual([P, Q])
  })
})

describe('this machine', () => {
  const here = ['http://localhost:3000/', 'http://127.0.0.1/', 'http://[::1]/', 'http://api.localhost/']

  it('is spoken to directly, whoever says otherwise', async () => {
    const asked = vi.fn(() => P)
    expect(await ways(proxy({ url: P }), ...here)).toEqual(here.map(() => 'direct'))
    expect(await ways(proxy({ rules: { '*': P } }), ...here)).toEqual(here.map(() => 'direct'))
    expect(await ways(proxy({ env: { http_proxy: P } }), ...here)).toEqual(here.map(() => 'direct'))
    expect(await ways(proxy({ resolve: asked }), ...here)).toEqual(here.map(() => 'direct'))
    expect(asked).not.toHaveBeenCalled()
  })

  it('is asked through a proxy when that is asked for', async () => {
    expect(await ways(proxy({ url: P, loopback: true }), ...here)).toEqual(here.map(() => P))
    expect(await ways(proxy({ resolve: () => P, loopback: true }), ...here)).toEqual(here.map(() => P))
  })
})

describe('a resolver', () => {
  it('answers now, later, or not', async () => {
    const answers = [P, of(Q), Promise.resolve([P, Q] as const), false, undefined, nothing(), asyncly()] as const
    for (const [at, expected] of [P, Q, P, 'direct', 'https://rest.test:443', 'https://rest.test:443', Q].entries()) {
      const plugin = proxy({ resolve: () => answers[at], url: 'https://rest.test' })
      expect(await ways(plugin, 'http://a.test/')).toEqual([expected])
    }
  })

  it('is asked for each attempt and each hop, with the request of that', async () => {
    const api = mock(() => 200).enqueue(503, { status: 302, headers: { location: 'https://b.test/' } })
    const asked: string[] = []
    const resolve = ({ url, attempt }: HttpRequest): string => {
      asked.push(`${attempt} ${url}`)
      return `http://p${asked.length}.test`
    }
    const plugins = [redirect(), retry({ delay: () => 0 }), proxy({ resolve })]
    await firstValueFrom(createClient({ engine: api, plugins }).get('http://a.test/'))
    expect(asked).toEqual(['1 http://a.test/', '2 http://a.test/', '1 https://b.test/'])
    expect(api.history.map(({ request }) => path(request))).toEqual([1, 2, 3].map(n => `http://p${n}.test:80`))
  })

  it('decides nothing any more once the call was left', () => {
    virtually(({ flush, cold, expectSubscriptions }) => {
      const answer = cold('---(a|)', { a: P })
      const { api, client } = open(proxy({ resolve: () => answer }))
      const call = client.get('http://a.test/').subscribe()
      timer(1).subscribe(() => call.unsubscribe())
      flush()
      expect(api.history).toEqual([])
      expectSubscriptions(answer.subscriptions).toBe('^!')
    })
  })

  it('takes the first of several answers, and leaves the others', async () => {
    let left = false
    const answers = new Observable<string>(subscriber => {
      subscriber.next(P)
      subscriber.next(Q)
      return () => (left = true)
    })
    expect(await ways(proxy({ resolve: () => answers }), 'http://a.test/')).toEqual([P])
    expect(left).toBe(true)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no PAC file')
      },
    ],
    ['fails later', () => throwError(() => new Error('no PAC file'))],
    ['rejects', () => Promise.reject(new Error('no PAC file'))],
  ] as const)('that %s is a way that was not found: PROXY', async (_, resolve) => {
    const { api, client } = open(proxy({ resolve }))
    const error = await errorOf(client.get('http://a.test/'))
    expect(error).toMatchObject({
      code: 'PROXY',
      phase: 'proxy',
      requestWritten: 'no',
      cause: { message: 'no PAC file' },
    })
    expect(error.message).toBe('GET http://a.test/ was not sent: proxy({ resolve }) failed to say by which proxy.')
    expect(api.history).toEqual([])
  })

  it('that failed as a request of its own is a way that was not found too', async () => {
    const cause = new HttpError('STATUS', 'GET http://pac.test/ was answered 404.', { phase: 'headers' })
    const { client } = open(proxy({ resolve: () => throwError(() => cause) }))
    expect(await errorOf(client.get('http://a.test/'))).toMatchObject({ code: 'PROXY', cause: { code: 'STATUS' } })
  })

  it.each([7, null, '', 'ada:hush@p.test', [], of('ada:hush@p.test')])('that answers %o is a mistake', async answer => {
    const { api, client } = open(proxy({ resolve: () => answer as string }))
    const error = await errorOf(client.get('http://a.test/'))
    expect([error.code, error.message]).toEqual([
      'CONFIG',
      expect.stringMatching(/^What proxy\(\{ resolve \}\) answered (?:cannot be used|is an empty list)/),
    ])
    expect(inspect(error)).not.toContain('hush')
    expect(api.history).toEqual([])
  })
})

describe('several ways', () => {
  const DOWN: readonly (readonly [string, HttpError])[] = [
    ['a proxy that refuses', new HttpError('PROXY', 'x', { phase: 'connect', requestWritten: 'no' })],
    ['a host that cannot be reached', new HttpError('CONNECT', 'x', { phase: 'connect', requestWritten: 'no' })],
    ['a name nobody knows', new HttpError('DNS', 'x', { phase: 'dns', requestWritten: 'no' })],
    ['a proxy that keeps silent', new HttpError('TIMEOUT', 'x', { phase: 'proxy', requestWritten: 'no' })],
    ['a connection that takes too long', new HttpError('TIMEOUT', 'x', { phase: 'connect', requestWritten: 'no' })],
  ]
  const list = [P, Q, false] as const
  const down = (error: Error, ...names: readonly string[]): MockEngine =>
    mock(({ request }) => {
      if (names.includes(path(request))) throw error
      return 200
    })

  it.each(DOWN)('are tried in order: %s', async (_, error) => {
    const { api, client } = open(proxy({ url: list }), down(error, P, Q))
    const events: HttpEvent[] = []
    await new Promise<void>((done, fail) => {
      client.events('http://a.test/').subscribe({ next: event => events.push(event), complete: done, error: fail })
    })
    expect(api.history.map(({ request }) => path(request))).toEqual([P, Q, 'direct'])
    expect(events.filter(({ type }) => type === 'notice')).toMatchObject([
      { plugin: 'proxy', name: 'next', detail: { from: P, to: Q, code: error.code } },
      { plugin: 'proxy', name: 'next', detail: { from: Q, to: 'direct', code: error.code } },
    ])
  })

  it('end with the error of the last', async () => {
    const [, error] = DOWN[0] ?? []
    const { api, client } = open(proxy({ url: [P, Q] }), down(error as HttpError, P, Q))
    expect((await errorOf(client.get('http://a.test/'))).code).toBe('PROXY')
    expect(api.history.length).toBe(2)
  })

  it('begin with the first again for the next request', async () => {
    const [, error] = DOWN[0] ?? []
    const { api, client } = open(proxy({ url: [P, Q] }), down(error as HttpError, P))
    await firstValueFrom(client.get('http://a.test/'))
    await firstValueFrom(client.get('http://a.test/'))
    expect(api.history.map(({ request }) => path(request))).toEqual([P, Q, P, Q])
  })

  it.each([
    ['an answer of the proxy', new HttpError('PROXY', 'x', { requestWritten: 'no', response: {} as never })],
    ['a request that may have left', new HttpError('PROXY', 'x', { requestWritten: 'maybe' })],
    ['a request of which nobody knows', new HttpError('CONNECT', 'x')],
    ['a server that could not prove who it is', new HttpError('TLS', 'x', { phase: 'tls', requestWritten: 'no' })],
    ['a handshake that took too long', new HttpError('TIMEOUT', 'x', { phase: 'tls', requestWritten: 'no' })],
    ['a full pool', new HttpError('TIMEOUT', 'x', { phase: 'queue', requestWritten: 'no' })],
    ['a client that was closed', new HttpError('CLOSED', 'x', { requestWritten: 'no' })],
    ['an error of somebody else', new Error('x')],
  ])('are not tried after %s', async (_, error) => {
    const { api, client } = open(proxy({ url: list }), down(error, P))
    await expect(firstValueFrom(client.get('http://a.test/'))).rejects.toMatchObject({ message: 'x' })
    expect(api.history.length).toBe(1)
  })

  it('are not tried after an answer, whatever its status', async () => {
    const { api, client } = open(
      proxy({ url: list }),
      mock(() => 502),
    )
    expect((await firstValueFrom(client.get('http://a.test/'))).status).toBe(502)
    expect(api.history.length).toBe(1)
  })

  it('have a whole body each, which a source that was begun has not', async () => {
    const [, error] = DOWN[0] ?? []
    const { api, client } = open(proxy({ url: [P, Q] }), down(error as HttpError, P))
    await firstValueFrom(client.post('http://a.test/', { a: 1 }))
    expect(api.history[1]?.body.text()).toBe('{"a":1}')
    // The mock reads a body before its handler is asked, so this source is spent when the first way fails.
    async function* once() {
      yield 'once'
    }
    expect((await errorOf(client.post('http://a.test/', once()))).code).toBe('PROXY')
    expect(api.history.length).toBe(3)
  })

  it('are tried with a source that nobody has opened yet', async () => {
    const [, error] = DOWN[0] ?? []
    const refusing = definePlugin({
      name: 'refusing',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) => (path(request) === P ? throwError(() => error) : next(request)),
    })
    const api = mock({ '*': 200 })
    const client = createClient({ engine: api, plugins: [proxy({ url: [P, Q] }), refusing()] })
    async function* once() {
      yield 'once'
    }
    await firstValueFrom(client.post('http://a.test/', once()))
    expect(api.history.map(({ body }) => body.text())).toEqual(['once'])
  })

  it('are tried for live answers too', async () => {
    const [, error] = DOWN[0] ?? []
    const { api, client } = open(proxy({ url: [P, Q] }), down(error as HttpError, P))
    expect(await firstValueFrom(client.stream('http://a.test/', ({ status }) => [status]))).toBe(200)
    expect(api.history.length).toBe(2)
  })
})

describe('the environment', () => {
  const env = { http_proxy: 'http://h.test', https_proxy: 'https://s.test', all_proxy: Q }
  const urls = ['http://a.test/', 'https://a.test/'] as const

  it.each([
    ['by scheme', env, ['http://h.test:80', 'https://s.test:443']],
    ['all_proxy for the rest', { all_proxy: Q, https_proxy: P }, [Q, P]],
    ['nothing', {}, ['direct', 'direct']],
    ['lower case first', { http_proxy: P, HTTP_PROXY: Q, HTTPS_PROXY: Q }, [P, Q]],
    ['upper case where that is all', { HTTP_PROXY: P, ALL_PROXY: Q }, [P, Q]],
    ['empty is not set', { http_proxy: ' ', HTTP_PROXY: P, https_proxy: '', all_proxy: Q }, [P, Q]],
    ['without a scheme', { http_proxy: 'ada:pw@p.test:3128', https_proxy: 'p.test' }, [P, 'http://p.test:80']],
    ['no HTTP_PROXY for CGI programs', { REQUEST_METHOD: 'GET', HTTP_PROXY: P, HTTPS_PROXY: Q }, ['direct', Q]],
    ['http_proxy is no header of CGI', { REQUEST_METHOD: 'GET', http_proxy: P }, [P, 'direct']],
    ['no_proxy', { all_proxy: P, no_proxy: 'x.test a.test:80' }, ['direct', P]],
    ['NO_PROXY', { all_proxy: P, NO_PROXY: '*' }, ['direct', 'direct']],
    ['no_proxy before NO_PROXY', { all_proxy: P, no_proxy: 'x.test', NO_PROXY: '*' }, [P, P]],
    ['what nobody understands in no_proxy', { all_proxy: P, no_proxy: '<local>,a*.test' }, [P, P]],
    ['all_proxy nobody needs may be anything', { http_proxy: P, https_proxy: P, all_proxy: 'socks4://x' }, [P, P]],
  ])('%s', async (_, variables, expected) => {
    expect(await ways(proxy({ env: variables }), ...urls)).toEqual(expected)
    expect(await ways(proxyFromEnv({ env: variables }), ...urls)).toEqual(expected)
  })

  it('of the process is read once for a client', async () => {
    const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'request_method']
    for (const name of names.flatMap(one => [one, one.toUpperCase()])) vi.stubEnv(name, undefined)
    onTestFinished(() => void vi.unstubAllEnvs())
    vi.stubEnv('http_proxy', P)
    const { api, client } = open(proxyFromEnv())
    vi.stubEnv('http_proxy', 'http://other.test')
    await firstValueFrom(client.get('http://a.test/'))
    expect(path(requestOf(api))).toBe(P)
    expect(await ways(proxy(), 'http://a.test/')).toEqual(['direct'])
    expect(await ways(proxyFromEnv({ env: undefined }), 'http://a.test/')).toEqual(['http://other.test:80'])
    vi.stubEnv('http_proxy', 'ftp://ada:hush@x')
    expect(thrown(() => proxyFromEnv()).message).toMatch(/^The environment variable http_proxy cannot be used/)
  })

  it('is none where there is no process', async () => {
    vi.stubGlobal('process', undefined)
    let plugin
    try {
      plugin = proxyFromEnv()
      open(plugin)
    } finally {
      vi.unstubAllGlobals()
    }
    expect(plugin.options.env).toBe(true)
  })
})

describe('a route', () => {
  it('is the same object for the same way, so that connections are shared', async () => {
    const ask = () => undefined
    const { api, client } = open(proxy({ url: 'http://ada:pw@p.test', ask }))
    const tls = { ca: 'PEM' }
    const same = { proxy: 'http://ada:p%77@P.test:80' } as const
    await firstValueFrom(client.get('http://a.test/'))
    await firstValueFrom(client.get('https://b.test/'))
    await firstValueFrom(client.get('http://a.test/', same))
    await firstValueFrom(client.get('http://a.test/', { proxy: { resolve: () => same.proxy } }))
    await firstValueFrom(client.get('http://a.test/', { proxy: 'http://ada:other@p.test' }))
    await firstValueFrom(client.get('http://a.test/', { proxy: { tunnel: true } }))
    await firstValueFrom(client.get('http://a.test/', { proxy: { tls } }))
    await firstValueFrom(client.get('http://a.test/', { proxy: { tls } }))
    const routes = api.history.map((_, at) => routeOf(api, at))
    const [first] = routes
    expect(routes.map(route => routes.indexOf(route))).toEqual([0, 0, 0, 0, 4, 5, 6, 6])
    expect(first?.ask).toBeTypeOf('function')
  })

  it('is another one in another client', async () => {
    const plugin = proxy({ url: P })
    const [a, b] = [open(plugin), open(plugin)]
    await firstValueFrom(a.client.get('http://a.test/'))
    await firstValueFrom(b.client.get('http://a.test/'))
    expect(routeOf(a.api)).not.toBe(routeOf(b.api))
  })

  it('is forgotten when many others were wanted since', async () => {
    const { api, client } = open(proxy({ resolve: ({ target }) => `http://p${target.slice(1)}.test` }))
    for (let at = 0; at <= 256; at++) await firstValueFrom(client.get(`http://a.test/${at}`))
    await firstValueFrom(client.get('http://a.test/1'))
    await firstValueFrom(client.get('http://a.test/0'))
    await firstValueFrom(client.get('http://a.test/1'))
    expect(routeOf(api, 257)).toBe(routeOf(api, 1))
    expect(routeOf(api, 258)).not.toBe(routeOf(api, 0))
    expect(routeOf(api, 259)).toBe(routeOf(api, 1))
  })

  it('is another one for another TLS and for another callback', async () => {
    const { api, client } = open(proxy({ url: P }))
    const tls = { ca: 'PEM' }
    for (const options of [{}, { ask: () => undefined }, { ask: () => undefined }, { tls }, { tls: { ...tls } }])
      await firstValueFrom(client.get('http://a.test/', { proxy: options }))
    expect(new Set(api.history.map((_, at) => routeOf(api, at))).size).toBe(5)
  })

  it('asks for credentials, now or later', async () => {
    const challenge = { proxy: P, realm: 'x', schemes: ['basic'], refused: false }
    const given = { username: 'ada', password: 'pw' }
    const answers = [given, of(given), Promise.resolve(given), undefined, of(undefined), nothing()]
    const got = []
    for (const answer of answers) {
      const ask = vi.fn(() => answer as never)
      const { api, client } = open(proxy({ url: P, ask }))
      await firstValueFrom(client.get('http://a.test/'))
      got.push(await routeOf(api).ask?.(challenge))
      expect(ask).toHaveBeenCalledExactlyOnceWith(challenge)
    }
    expect(got).toEqual([given, given, given, undefined, undefined, undefined])
  })

  it.each([
    [7, P],
    [{ username: 'ada', password: 7 }, P],
    [{ username: 'ada', password: 'hush\r\n' }, P],
    [{ username: 'a:b', password: 'hush' }, P],
    [{ username: 'ada', password: `hush${'x'.repeat(255)}` }, Q],
  ])('refuses credentials %o for %s, and does not show them', async (answer, to) => {
    const { api, client } = open(proxy({ url: to, ask: () => answer as never }))
    await firstValueFrom(client.get('http://a.test/'))
    const challenge = { proxy: to, realm: undefined, schemes: ['basic'], refused: true }
    const error: unknown = await routeOf(api)
      .ask?.(challenge)
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(String(error)).toMatch(/^HttpError: What proxy\(\{ ask \}\) answered/)
    expect(inspect(error)).not.toContain('hush')
  })
})

describe('secrets', () => {
  const url = 'https://ada:hush@p.test:3128'

  it('are in nothing that is shown', async () => {
    const shown: string[] = []
    const tls = { key: 'hush-key', passphrase: 'hush-phrase' }
    const failing = new HttpError('PROXY', 'refused', { phase: 'connect', requestWritten: 'no' })
    const engine = mock(({ request }) => {
      shown.push(inspect(request, { depth: 10 }), JSON.stringify(request))
      const route = request.read(ROUTE)
      shown.push(inspect(route, { depth: 10 }), JSON.stringify(route), JSON.stringify({ ...route?.hops[0] }))
      throw failing
    })
    const log = logging({ log: (line: string) => shown.push(line) })
    const client = createClient({ engine, plugins: [log, proxy({ url: [url, `${url}1`], tls })] })
    client.monitor.subscribe(event => shown.push(inspect(event, { depth: 10 }), JSON.stringify(event)))
    const error = await errorOf(client.get('http://a.test/'))
    shown.push(inspect(error, { depth: 10 }), JSON.stringify(error), client.explain())
    shown.push(inspect(proxy({ url, tls }), { depth: 10 }), JSON.stringify(proxy({ url, tls })))
    const one = createClient({ engine: mock(), plugins: [proxy({ url })] })
    expect(one.explain()).toContain('proxy { url: "https://p.test:3128", env: false')
    shown.push(one.explain())
    expect(shown.length).toBeGreaterThan(10)
    expect(shown.join('\n')).toContain('p.test')
    expect(shown.join('\n')).not.toMatch(/hush|ada/)
  })

  it('of one proxy are not taken along to the next hop', async () => {
    const api = mock(() => 200).enqueue({ status: 302, headers: { location: 'https://b.test/' } })
    const rules = { 'a.test': 'http://ada:pw@p.test', 'b.test': Q }
    const client = createClient({ engine: api, plugins: [redirect(), proxy({ rules })] })
    await firstValueFrom(client.get('http://a.test/'))
    expect([routeOf(api, 0), routeOf(api, 1)].map(({ hops }) => hops[0]?.credentials)).toEqual([
      { username: 'ada', password: 'pw' },
      undefined,
    ])
    expect(api.history.flatMap(({ request }) => request.headers.flat)).toEqual([])
  })
})

it('is refused by an engine that cannot, which names those that can', async () => {
  const client = createClient({ engine: fetch({ fetch: () => neverFetched() }), plugins: [proxy({ url: P })] })
  const error = await errorOf(client.get('http://a.test/'))
  expect(error.code).toBe('UNSUPPORTED')
  expect(error.message).toContain('engines that can: undici, http2, http.')
})

it('is not asked about by an engine that cannot where the way is direct', async () => {
  const engine = mock({ '*': 200 }, { capabilities: { proxies: false } })
  const client = createClient({ engine, plugins: [proxy({ url: P, rules: { 'a.test': false } })] })
  expect((await firstValueFrom(client.get('http://a.test/'))).status).toBe(200)
})

function nothing(): Observable<never> {
  return new Observable(subscriber => subscriber.complete())
}
async function* asyncly() {
  yield Q
}
function neverFetched(): never {
  throw new Error('fetched')
}
