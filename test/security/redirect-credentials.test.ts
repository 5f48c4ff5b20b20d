import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { firstValueFrom } from 'rxjs'
import { Agent, fetch as fetchOfUndici } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, isHttpError, type EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { redirect } from 'sluice/plugins/redirect'
import { serve, type Reply, type RequestAccount, type Routes, type TestServer } from 'sluice/testing'
import { certificates } from '../support/certificates.ts'

const { good } = certificates()

/** Every name that ends in .test, with a dot behind or not, is this machine. */
const lookup: LookupFunction = (host, options, done) => {
  if (!/\.test\.?$/.test(host)) systemLookup(host, options, done)
  else if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}
// Who a server is does not matter here; that names are looked up as told does.
const tls = { dangerouslyAcceptAnyCertificate: true }

/** An engine, what its servers speak, and whether they speak it over TLS. */
interface Contender {
  readonly name: string
  readonly make: () => EngineFactory
  readonly protocol: 'http/1.1' | 'h2' | 'h2c'
  readonly secure: boolean
  /** What a server with the other scheme speaks; none where the engine goes to none. */
  readonly other?: 'http/1.1' | 'h2' | 'h2c'
}

const CONTENDERS: readonly Contender[] = [
  { name: 'undici', make: () => undici({ lookup, tls }), protocol: 'http/1.1', secure: false, other: 'http/1.1' },
  {
    name: 'undici over TLS',
    make: () => undici({ lookup, tls }),
    protocol: 'http/1.1',
    secure: true,
    other: 'http/1.1',
  },
  { name: 'undici by ALPN', make: () => undici({ lookup, tls }), protocol: 'h2', secure: true, other: 'http/1.1' },
  { name: 'http', make: () => http({ lookup, tls }), protocol: 'http/1.1', secure: false, other: 'http/1.1' },
  { name: 'http over TLS', make: () => http({ lookup, tls }), protocol: 'http/1.1', secure: true, other: 'http/1.1' },
  { name: 'http2', make: () => http2({ mode: 'h2', lookup, tls }), protocol: 'h2', secure: true },
  { name: 'http2 by ALPN', make: () => http2({ lookup, tls }), protocol: 'h2', secure: true, other: 'http/1.1' },
  { name: 'http2 without TLS', make: () => http2({ mode: 'h2c', lookup, tls }), protocol: 'h2c', secure: false },
  { name: 'fetch', make: () => fetch({ fetch: looking() }), protocol: 'http/1.1', secure: false, other: 'http/1.1' },
  {
    name: 'fetch over TLS',
    make: () => fetch({ fetch: looking() }),
    protocol: 'http/1.1',
    secure: true,
    other: 'http/1.1',
  },
]

/** A `fetch` that looks names up as it is told. */
function looking(): (url: string, init: RequestInit) => Promise<Response> {
  const dispatcher = new Agent({ allowH2: false, connect: { rejectUnauthorized: false, lookup }, keepAliveTimeout: 1 })
  return (url, init) => fetchOfUndici(url, { ...init, dispatcher } as object) as unknown as Promise<Response>
}

/** Headers that say who one is, each with a value nobody else has. */
const NAMES = [
  'Authorization',
  'Cookie',
  'WWW-Authenticate',
  'X-API-Key',
  'X-Auth-Token',
  'X-Access-Token',
  'X-CSRF-Token',
  'X-Amz-Security-Token',
  'X-Vault-Token',
  'PRIVATE-TOKEN',
  'Api-Key',
  'X-Whatever-Comes-Next',
]
const SECRETS = Object.fromEntries(NAMES.map((name, at) => [name, `s3cret-${at}`]))
/** And some that do not: with these one sees that headers arrive at all. */
const HARMLESS = { 'accept-language': 'en', 'user-agent': 'proof' }

/** Where a chain goes after its first request, by letter. */
const CHAINS = ['BA', 'BB', 'BAA', 'BAB', 'BBA'] as const

/** How the second origin differs from `origin`, of the server `a`; `b` is another server, `c` one with the other scheme. */
interface World {
  readonly a: TestServer
  readonly b: TestServer
  readonly c: TestServer | undefined
  readonly scheme: 'http' | 'https'
}

const DIFFERENCES: readonly (readonly [name: string, of: (world: World) => string | undefined])[] = [
  ['host', ({ scheme, a }) => `${scheme}://b.test:${a.port}`],
  ['port', ({ scheme, b }) => `${scheme}://a.test:${b.port}`],
  ['scheme', ({ scheme, c }) => c && `${scheme === 'http' ? 'https' : 'http'}://a.test:${c.port}`],
  ['subdomain', ({ scheme, a }) => `${scheme}://sub.a.test:${a.port}`],
  ['parent domain', ({ scheme, a }) => `${scheme}://parent.test:${a.port}`],
  ['trailing dot', ({ scheme, a }) => `${scheme}://a.test.:${a.port}`],
  ['address', ({ scheme, a }) => `${scheme}://127.0.0.1:${a.port}`],
]

describe.each(CONTENDERS)('$name', ({ make, protocol, secure, other }) => {
  let world: World
  let origin: string
  /** What each request of a chain is answered with, by its path. */
  const plan = new Map<string, Reply>()
  const answer = ({ path }: { readonly path: string }): Reply => plan.get(path) ?? { status: 200, body: 'there' }
  const routes: Routes = { '/*': answer }

  beforeAll(async () => {
    const [mine, another] = secure ? [{ tls: good }, {}] : [{}, { tls: good }]
    const [a, b] = await Promise.all([serve(routes, { protocol, ...mine }), serve(routes, { protocol, ...mine })])
    const c = other === undefined ? undefined : await serve(routes, { protocol: other, ...another })
    world = { a, b, c, scheme: secure ? 'https' : 'http' }
    origin = `${world.scheme}://a.test:${a.port}`
  })
  afterAll(async () => {
    for (const server of [world.a, world.b, world.c]) await server?.close()
  })

  /** Everything that reached a server since `from`, in the order in which it did. */
  const seen = (): RequestAccount[] =>
    [world.a, world.b, world.c].flatMap(server => server?.requests ?? []).toSorted((one, two) => one.at - two.at)

  /** Plans a chain that begins at home; its first url. */
  function chain(hops: string, foreign: string, status = 302): string {
    const places = `A${hops}`.split('').map((letter, at) => `${letter === 'A' ? origin : foreign}/${at}`)
    plan.clear()
    for (const [at, place] of places.slice(1).entries()) plan.set(`/${at}`, { status, headers: { location: place } })
    return places[0] ?? ''
  }

  /** Sends a request along a chain; what the servers saw of it. */
  async function follow(
    url: string,
    how: { method?: string; body?: string; headers?: Readonly<Record<string, string>>; keepHeaders?: string[] } = {},
  ): Promise<readonly RequestAccount[]> {
    const before = new Set(seen())
    const client = createClient({
      engine: make(),
      plugins: [redirect({ allowDowngrade: true, keepHeaders: how.keepHeaders })],
    })
    try {
      const response = await firstValueFrom(
        client.request(how.method ?? 'GET', url, {
          body: how.body,
          headers: { ...SECRETS, ...HARMLESS, ...how.headers },
        }),
      )
      expect(response.status).toBe(200)
    } finally {
      await client.close()
    }
    return seen().filter(request => !before.has(request))
  }

  describe.each(DIFFERENCES)('to an origin that differs in its %s', (_, of) => {
    it.each(CHAINS)('A→%s: none of twelve secrets leaves home, none comes back', async hops => {
      const foreign = of(world)
      if (foreign === undefined) {
        // The engine does not go there at all: it says so, and the server of the other scheme does not exist.
        expect(other).toBeUndefined()
        return
      }
      const [first, ...later] = await follow(chain(hops, foreign))
      for (const [name, value] of Object.entries(SECRETS)) expect(first?.headers[name.toLowerCase()]).toBe(value)
      expect(later).toHaveLength(hops.length)
      for (const request of later) expectClean(request)
    })
  })

  it('would notice a header that is taken along', async () => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    const [, second, third] = await follow(chain('BB', foreign), { keepHeaders: ['PRIVATE-TOKEN'] })
    for (const request of [second, third]) {
      expect(request?.headers['private-token']).toBe(SECRETS['PRIVATE-TOKEN'])
      expect(() => request && expectClean(request)).toThrow(/private-token/)
    }
  })

  it.each([301, 303, 307, 308])('a %i is no different, with a body or without', async status => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    for (const how of [{}, { method: 'POST', body: 'hello' }, { method: 'PUT', body: 'hello' }]) {
      const [first, ...later] = await follow(chain('BA', foreign, status), how)
      expect(first?.headers['x-api-key']).toBe(SECRETS['X-API-Key'])
      expect(later).toHaveLength(2)
      for (const request of later) expectClean(request)
    }
  })

  it('a user in the Location of another origin is refused before anything is sent there', async () => {
    for (const user of ['evil:pw@', 'evil@', ':pw@']) {
      const foreign = `${world.scheme}://${user}b.test:${world.b.port}`
      const before = seen().length
      const error: unknown = await follow(chain('B', foreign)).catch((reason: unknown) => reason)
      expect(isHttpError(error) && error.code).toBe('PROTOCOL')
      expect(seen().length - before).toBe(1)
    }
  })

  it('a user in the Location of the same origin becomes nobody’s credentials', async () => {
    const foreign = origin.replace('://', '://evil:pw@')
    const [, second] = await follow(chain('B', foreign))
    expect(second?.headers['authorization']).toBe(SECRETS['Authorization'])
  })

  it('credentials for a proxy cannot be given in a header at all', async () => {
    const before = seen().length
    const headers = { 'Proxy-Authorization': 'Basic c2VjcmV0' }
    const error: unknown = await follow(`${origin}/0`, { headers }).catch((reason: unknown) => reason)
    expect(isHttpError(error) && error.code).toBe('CONFIG')
    expect(seen()).toHaveLength(before)
  })

  it('a user in the url of the call is home’s alone', async () => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    const before = new Set(seen())
    const client = createClient({ engine: make(), plugins: [redirect()] })
    await firstValueFrom(client.get(chain('BA', foreign).replace('://', '://ada:s3cret@')))
    await client.close()
    const [first, ...later] = seen().filter(request => !before.has(request))
    expect(first?.headers['authorization']).toBe(`Basic ${btoa('ada:s3cret')}`)
    expect(later.map(({ headers }) => headers['authorization'])).toEqual([undefined, undefined])
  })
})

/** Nothing of what was said at home stands anywhere in the head of a request. */
function expectClean({ rawHeaders, headers, target }: RequestAccount): void {
  const names = rawHeaders.filter((__, at) => at % 2 === 0).map(name => name.toLowerCase())
  for (const name of NAMES) expect(names).not.toContain(name.toLowerCase())
  expect([...rawHeaders, target].filter(text => text.includes('s3cret'))).toEqual([])
  expect(headers).toMatchObject(HARMLESS)
}
