import { createClient, HttpError, type ClientOptions } from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { xsrf, type XsrfOptions } from 'sluice/plugins/xsrf'
import { reply, serve } from 'sluice/testing'
import { firstValueFrom } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'

const A = 'https://a.test/'
const COOKIE = { cookie: 'XSRF-TOKEN=t0' }

function open(options: Partial<XsrfOptions> = {}, client: Partial<ClientOptions> = {}, engine = mock(() => 200)) {
  const all = { engine, baseUrl: A, confine: false, ...client }
  const api = createClient({ ...all, plugins: [redirect({ trustedOrigins: [] }), retry(), xsrf(options)] })
  return { engine, api }
}

/** The token each request went out with. */
const tokens = (engine: MockEngine, header = 'x-xsrf-token') =>
  engine.history.map(({ request }) => request.headers.get(header))

async function tokenOf(
  url: string,
  { method = 'POST', headers = COOKIE, ...options }: Partial<XsrfOptions> & { method?: string; headers?: object } = {},
): Promise<string | undefined> {
  const { engine, api } = open(options)
  await firstValueFrom(api.request(method, url, { headers: headers as Record<string, string> }))
  return tokens(engine)[0]
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the method', () => {
  it.each([
    ['GET', undefined],
    ['HEAD', undefined],
    ['get', undefined],
    ['POST', 't0'],
    ['PUT', 't0'],
    ['PATCH', 't0'],
    ['DELETE', 't0'],
    ['OPTIONS', 't0'],
    ['QUERY', 't0'],
    ['PROPPATCH', 't0'],
  ])('%s gets %j', async (method, token) => {
    expect(await tokenOf('x', { method })).toBe(token)
  })
})

describe('the origin', () => {
  it.each([
    ['x', 't0'],
    ['/x', 't0'],
    ['', 't0'],
    ['?a', 't0'],
    ['https://a.test/x', 't0'],
    ['HTTPS://A.TEST/x', 't0'],
    ['https://a.test:443/x', 't0'],
    ['//a.test/x', 't0'],
    [String.raw`\\a.test\x`, 't0'],
    ['https://user:pass@a.test/x', 't0'],
    ['http://a.test/x', undefined],
    ['https://a.test:8443/x', undefined],
    ['//evil.test/x', undefined],
    [String.raw`/\evil.test/x`, undefined],
    [String.raw`\\evil.test\x`, undefined],
    ['HTTPS://EVIL.TEST/x', undefined],
    ['https:/evil.test/x', undefined],
    ['https:\\\\evil.test/x', undefined],
    ['https://a.test.evil.test/x', undefined],
    ['https://evil.test/https://a.test/', undefined],
    ['https://a.test@evil.test/x', undefined],
    ['https://b.a.test/x', undefined],
    ['https://a.test./x', undefined],
  ])('of %j gets %j', async (url, token) => {
    // A base of http, where `https:/evil.test` is another host and no path.
    const base = url.startsWith('https:/') && !url.startsWith('https://') ? 'http://a.test/' : A
    const { engine, api } = open({}, { baseUrl: base })
    await firstValueFrom(api.post(url, {}, { headers: COOKIE }))
    expect(tokens(engine)).toEqual([token])
  })

  it('is among those that were named', async () => {
    const origins = ['https://b.test']
    expect(await tokenOf('https://b.test/x', { origins })).toBe('t0')
    expect(await tokenOf('https://a.test/x', { origins })).toBeUndefined()
  })

  it('is the page’s own where there is a page, whatever the base url is', async () => {
    vi.stubGlobal('location', { origin: 'https://page.test' })
    vi.stubGlobal('document', { cookie: 'other=1; XSRF-TOKEN=p1' })
    expect(await tokenOf('https://page.test/x', { headers: {} })).toBe('p1')
    expect(await tokenOf('https://a.test/x', { headers: {} })).toBeUndefined()
  })

  it.each(['null', 'file://', undefined])('of a page is none when it is %j', async own => {
    vi.stubGlobal('location', { origin: own })
    expect(await tokenOf('https://a.test/x')).toBe('t0')
  })

  it('is not known without page, base url and origins', async () => {
    const engine = mock(() => 200)
    const api = createClient({ engine, plugins: [xsrf()] })
    await expect(firstValueFrom(api.post(`${A}x`, {}))).rejects.toMatchObject({ code: 'CONFIG' })
    await firstValueFrom(api.get(`${A}x`))
    expect(engine.history.length).toBe(1)
  })

  it('is not taken from the prototype of everything', async () => {
    const prototype = Object.prototype as { location?: unknown; document?: unknown }
    prototype.location = { origin: 'https://evil.test' }
    prototype.document = { cookie: 'XSRF-TOKEN=evil' }
    try {
      expect(await tokenOf('https://evil.test/x')).toBeUndefined()
      expect(await tokenOf('https://a.test/x', { headers: {} })).toBeUndefined()
    } finally {
      delete prototype.location
      delete prototype.document
    }
  })
})

describe('redirects', () => {
  const to = (location: string): MockReply => ({ status: 307, headers: { location } })

  it.each<[name: string, hops: string[], expected: (string | undefined)[]]>([
    ['on the same origin keep the token', ['/2'], ['t0', 't0']],
    ['to another origin do not', ['https://b.test/'], ['t0', undefined]],
    ['back from another origin do not', ['https://b.test/', 'https://a.test/'], ['t0', undefined, undefined]],
  ])('%s', async (_, hops, expected) => {
    const { engine, api } = open({ token: () => 't0' })
    for (const hop of hops) engine.enqueue(to(hop))
    await firstValueFrom(api.post('x', {}))
    expect(tokens(engine)).toEqual(expected)
  })
})

describe('the token', () => {
  it.each<[name: string, cookie: string | undefined, token: string | undefined]>([
    ['stands among others', 'a=1; XSRF-TOKEN=abc; b=2', 'abc'],
    ['is percent-decoded', 'XSRF-TOKEN=a%2Fb%3D%3D', 'a/b=='],
    ['may have equal signs', 'XSRF-TOKEN=YWJj==', 'YWJj=='],
    ['of the first cookie counts', 'XSRF-TOKEN=one; XSRF-TOKEN=two', 'one'],
    ['is that of this name, case and all', 'xsrf-token=a; NOT-XSRF-TOKEN=b; XSRF-TOKENS=c', undefined],
    ['is none where the cookie is empty', 'XSRF-TOKEN=', undefined],
    ['is none without cookies', undefined, undefined],
    ['that is badly encoded goes as it is', 'XSRF-TOKEN=%zz', '%zz'],
    ['cannot bring a line end', 'XSRF-TOKEN=a%0d%0ax-evil:1', 'a%0d%0ax-evil:1'],
    ['cannot bring what is no header value', 'XSRF-TOKEN=%E2%82%AC%00', '%E2%82%AC%00'],
  ])('%s', async (_, cookie, token) => {
    expect(await tokenOf('x', { headers: cookie === undefined ? {} : { cookie } })).toBe(token)
  })

  it.each([
    ['as it is', 'XSRF-TOKEN=日本', undefined],
    ['in part encoded', 'XSRF-TOKEN=%E6%97%A5本', undefined],
    ['before the right one', 'XSRF-TOKEN=日本; XSRF-TOKEN=p1', 'p1'],
  ])('that no header can carry, planted %s, does not fail the call', async (_, cookie, token) => {
    vi.stubGlobal('location', { origin: 'https://a.test' })
    vi.stubGlobal('document', { cookie })
    expect(await tokenOf('x', { headers: {} })).toBe(token)
  })

  it('is none where a sandbox forbids to look for it', async () => {
    vi.stubGlobal('location', { origin: 'null' })
    vi.stubGlobal('document', {
      get cookie(): string {
        throw new DOMException('The document is sandboxed.', 'SecurityError')
      },
    })
    expect(await tokenOf('x', { headers: {} })).toBeUndefined()
    expect(await tokenOf('x')).toBe('t0')
  })

  it('is never shown, whatever its header is called', async () => {
    const { engine, api } = open({ header: 'X-Proof' })
    await firstValueFrom(api.post('x', {}, { headers: COOKIE }))
    expect(tokens(engine, 'x-proof')).toEqual(['t0'])
    expect(engine.history[0]?.request.headers.toJSON()).toMatchObject({ 'x-proof': '<redacted:2>' })
  })

  it('never overwrites a header, in whatever case', async () => {
    expect(await tokenOf('x', { headers: { ...COOKIE, 'x-XSRF-token': 'mine' } })).toBe('mine')
  })

  it('has the names one gives', async () => {
    const { engine, api } = open({ cookie: 'csrftoken', header: 'X-CSRFToken' })
    await firstValueFrom(api.post('x', {}, { headers: { cookie: 'csrftoken=dj' } }))
    expect(tokens(engine, 'x-csrftoken')).toEqual(['dj'])
  })

  it('of a function is asked for each attempt, and not elsewhere', async () => {
    let asked = 0
    const { engine, api } = open({ token: () => `t${++asked}` }, {}, mock(() => 200).enqueue(503))
    await firstValueFrom(api.put('x', {}, { retry: { delay: () => 0 } }))
    await firstValueFrom(api.get('x'))
    await firstValueFrom(api.post('https://b.test/', {}))
    expect(tokens(engine)).toEqual(['t1', 't2', undefined, undefined])
  })

  it('of a function may be missing, and then that of the cookie is not taken', async () => {
    expect(await tokenOf('x', { token: () => undefined })).toBeUndefined()
  })

  it('that is no string is a mistake that is told without it', async () => {
    const token = (() => Promise.resolve('secret')) as unknown as () => string
    const error = await tokenOf('x', { token }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect((error as HttpError).message).toBe(
      'xsrf({ token }) must return a string or undefined, not an object; it was asked for POST https://a.test/x.',
    )
  })

  it('of a function that throws fails the call with that', async () => {
    const wrong = new Error('no token')
    await expect(
      tokenOf('x', {
        token: () => {
          throw wrong
        },
      }),
    ).rejects.toBe(wrong)
  })

  it('is left out of one call', async () => {
    const { engine, api } = open()
    await firstValueFrom(api.post('x', {}, { headers: COOKIE, xsrf: false }))
    expect(tokens(engine)).toEqual([undefined])
  })
})

it.each([
  [{ cookie: 'a b' }, 'the name of a cookie'],
  [{ cookie: '' }, 'the name of a cookie'],
  [{ header: 'a:b' }, 'the name of a header'],
  [{ token: 'abc' as unknown as () => string }, 'a function'],
  [{ origins: ['https://a.test/'] }, 'a list, each item an origin'],
])('refuses %j', (options, wanted) => {
  expect(() => xsrf(options)).toThrow(wanted)
})

describe.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('on the wire of %s', (name, engine) => {
  it('sends the token to its own origin only', async () => {
    const options = name === 'http2' ? { protocol: 'h2c' as const } : {}
    await using home = await serve({ 'POST /x': reply.status(204) }, options)
    await using other = await serve({ 'POST /x': reply.status(204) }, options)
    const api = createClient({ engine, baseUrl: home.url, confine: false, plugins: [xsrf({ token: () => 'w1' })] })
    await firstValueFrom(api.post('x', {}))
    await firstValueFrom(api.post(`${other.url}x`, {}))
    await api.close()
    expect(home.requests[0]?.headers['x-xsrf-token']).toBe('w1')
    expect(other.requests[0]?.headers['x-xsrf-token']).toBeUndefined()
  })
})
