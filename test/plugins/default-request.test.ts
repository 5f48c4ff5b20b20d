import { firstValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createClient, definePlugin, type HttpError, type HttpRequest, type RequestOptions } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { redirect } from 'sluice/plugins/redirect'
import { defaultRequest, type DefaultRequestOptions } from 'sluice/plugins/default-request'

type Call = RequestOptions & { readonly defaultRequest?: Partial<DefaultRequestOptions> | false }

async function sent(defaults: Partial<DefaultRequestOptions>, call: Call = {}, url = 'users'): Promise<HttpRequest> {
  const engine = mock({ '*': 200 })
  const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [defaultRequest(defaults)] })
  await firstValueFrom(client.get(url, call))
  const request = engine.history[0]?.request
  if (request === undefined) throw new Error('nothing was sent')
  return request
}

describe('headers', () => {
  it('are sent for the names a call does not have, whatever their case', async () => {
    const { headers } = await sent(
      { headers: { Accept: 'application/json', 'x-team': 'a' } },
      { headers: { ACCEPT: 'text/html' } },
    )
    expect([...headers]).toEqual([
      ['ACCEPT', 'text/html'],
      ['x-team', 'a'],
    ])
  })

  it('keep all lines of a name', async () => {
    const { headers } = await sent({ headers: { 'x-tag': ['a', 'b'] } })
    expect(headers.getAll('x-tag')).toEqual(['a', 'b'])
  })

  it('of a call replace those of the client as a whole', async () => {
    const { headers } = await sent({ headers: { a: '1', b: '1' } }, { defaultRequest: { headers: { b: '2' } } })
    expect([...headers]).toEqual([['b', '2']])
  })

  it('are not sent when left out of a call', async () => {
    expect((await sent({ headers: { a: '1' } }, { defaultRequest: false })).headers.size).toBe(0)
  })
})

describe('query values', () => {
  it('are put behind those of a call, which win by name', async () => {
    const { url } = await sent({ query: { locale: 'en', page: 1 } }, { query: { page: 2 } }, 'users?q=x')
    expect(url).toBe('https://api.test/users?q=x&page=2&locale=en')
  })

  it('are put on a url without a query', async () => {
    expect((await sent({ query: { tag: ['a', 'b c'] } })).url).toBe('https://api.test/users?tag=a&tag=b+c')
  })

  it('change nothing when the url has them all, or there are none', async () => {
    expect((await sent({ query: { q: 1 } }, {}, 'users?q')).url).toBe('https://api.test/users?q')
    expect((await sent({ query: {} }, {}, 'users')).url).toBe('https://api.test/users')
  })
})

it('is part of the request for all that decide on sending it', async () => {
  const seen: HttpRequest[] = []
  const spy = definePlugin({
    name: 'spy',
    scope: 'steer',
    defaults: {},
    install: () => (request, next) => {
      seen.push(request)
      return next(request)
    },
  })
  const plugins = [defaultRequest({ headers: { 'x-team': 'a' }, query: { v: 1 } }), spy()]
  await firstValueFrom(createClient({ engine: mock({ '*': 200 }), plugins }).get('https://api.test/'))
  expect(seen.map(({ url, headers }) => [url, headers.get('x-team')])).toEqual([['https://api.test/?v=1', 'a']])
})

describe('across redirects', () => {
  const plugins = [defaultRequest({ headers: { 'x-api-key': 'k1', accept: 'text/html' }, query: { v: 1 } }), redirect()]

  it('does not put the query on the target', async () => {
    const engine = mock({ 'GET /a': { status: 302, headers: { location: '/b' } }, 'GET /b': 200 })
    await firstValueFrom(createClient({ engine, plugins }).get('https://api.test/a'))
    expect(engine.history.map(({ request }) => request.url)).toEqual(['https://api.test/a?v=1', 'https://api.test/b'])
    expect(engine.history[1]?.request.headers.get('x-api-key')).toBe('k1')
  })

  it('gives no other origin what a call would not give it', async () => {
    const engine = mock({ 'GET /a': { status: 302, headers: { location: 'https://evil.test/b' } }, 'GET /b': 200 })
    await firstValueFrom(createClient({ engine, plugins }).get('https://api.test/a'))
    expect([...(engine.history[1]?.request.headers ?? [])]).toEqual([['accept', 'text/html']])
  })
})

it.each<[Partial<DefaultRequestOptions>, RegExp]>([
  [{ headers: { 'no name': 'a' } }, /no name/],
  [{ headers: { a: 'x\r\ny' } }, /U\+000D/],
  [{ headers: 'accept: text/html' as never }, /header fields/],
  [{ query: 'a=1' as never }, /query values/],
  [{ query: { a: {} } as never }, /query value "a"/],
])('refuses %o', (options, message) => {
  expect(() => defaultRequest(options)).toThrow(message)
  expect(() => defaultRequest(options)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
})
