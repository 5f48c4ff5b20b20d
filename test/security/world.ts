/** Servers that stand for many origins, and the engines that go to them, for proofs of what does not leave home. */
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, fetch as fetchOfUndici } from 'undici'
import type { EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { serve, type RequestAccount, type Route, type TestServer } from 'sluice/testing'
import { certificates } from '../support/certificates.ts'

/** Every name that ends in .test, with a dot behind or not, is this machine. */
const lookup: LookupFunction = (host, options, done) => {
  if (!/\.test\.?$/.test(host)) systemLookup(host, options, done)
  else if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}
// Who a server is does not matter here; that names are looked up as told does.
const tls = { dangerouslyAcceptAnyCertificate: true }

type Protocol = 'http/1.1' | 'h2' | 'h2c'

/** An engine, what its servers speak, and whether they speak it over TLS. */
export interface Contender {
  readonly name: string
  readonly make: () => EngineFactory
  readonly protocol: Protocol
  readonly secure: boolean
  /** What a server with the other scheme speaks; none where the engine goes to none. */
  readonly other?: Protocol
}

const H1 = 'http/1.1'

/** All of them. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'undici', make: () => undici({ lookup, tls }), protocol: H1, secure: false, other: H1 },
  { name: 'undici over TLS', make: () => undici({ lookup, tls }), protocol: H1, secure: true, other: H1 },
  { name: 'undici by ALPN', make: () => undici({ lookup, tls }), protocol: 'h2', secure: true, other: H1 },
  { name: 'http', make: () => http({ lookup, tls }), protocol: H1, secure: false, other: H1 },
  { name: 'http over TLS', make: () => http({ lookup, tls }), protocol: H1, secure: true, other: H1 },
  { name: 'http2', make: () => http2({ mode: 'h2', lookup, tls }), protocol: 'h2', secure: true },
  { name: 'http2 by ALPN', make: () => http2({ lookup, tls }), protocol: 'h2', secure: true, other: H1 },
  { name: 'http2 without TLS', make: () => http2({ mode: 'h2c', lookup, tls }), protocol: 'h2c', secure: false },
  { name: 'fetch', make: () => fetch({ fetch: looking() }), protocol: H1, secure: false, other: H1 },
  { name: 'fetch over TLS', make: () => fetch({ fetch: looking() }), protocol: H1, secure: true, other: H1 },
]

/** A `fetch` that looks names up as it is told. */
function looking(): (url: string, init: RequestInit) => Promise<Response> {
  const dispatcher = new Agent({ allowH2: false, connect: { rejectUnauthorized: false, lookup }, keepAliveTimeout: 1 })
  return (url, init) => fetchOfUndici(url, { ...init, dispatcher } as object) as unknown as Promise<Response>
}

/** Where things begin: the server `a` under its own name; `b` has another port, `c` the other scheme. */
export class World implements AsyncDisposable {
  readonly a: TestServer
  readonly b: TestServer
  readonly c: TestServer | undefined
  readonly scheme: 'http' | 'https'
  /** The origin of the user. */
  readonly home: string

  private constructor(servers: readonly [TestServer, TestServer, TestServer | undefined], secure: boolean) {
    ;[this.a, this.b, this.c] = servers
    this.scheme = secure ? 'https' : 'http'
    this.home = `${this.scheme}://api.a.test:${this.a.port}`
  }

  /** Opens the servers, all of which answer with one route. */
  static async open({ protocol, secure, other }: Contender, route: Route): Promise<World> {
    const routes = { '/*': route }
    const { good } = certificates()
    const [mine, another] = secure ? [{ tls: good }, {}] : [{}, { tls: good }]
    const a = await serve(routes, { protocol, ...mine })
    const b = await serve(routes, { protocol, ...mine })
    const c = other === undefined ? undefined : await serve(routes, { protocol: other, ...another })
    return new World([a, b, c], secure)
  }

  /** Everything that reached a server, in the order in which it did. */
  get requests(): readonly RequestAccount[] {
    const all = [this.a, this.b, this.c].flatMap(server => server?.requests ?? [])
    return all.toSorted((one, two) => one.at - two.at)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.a, this.b, this.c]) await server?.close()
  }
}

/** How an origin can differ from home; `undefined` where the engine goes to none that does. */
export const DIFFERENCES: readonly (readonly [name: string, of: (world: World) => string | undefined])[] = [
  ['host', ({ scheme, a }) => `${scheme}://b.test:${a.port}`],
  ['port', ({ scheme, b }) => `${scheme}://api.a.test:${b.port}`],
  ['scheme', ({ scheme, c }) => c && `${scheme === 'http' ? 'https' : 'http'}://api.a.test:${c.port}`],
  ['subdomain', ({ scheme, a }) => `${scheme}://v2.api.a.test:${a.port}`],
  ['parent domain', ({ scheme, a }) => `${scheme}://a.test:${a.port}`],
  ['trailing dot', ({ scheme, a }) => `${scheme}://api.a.test.:${a.port}`],
  ['ending', ({ scheme, a }) => `${scheme}://api.a.test.b.test:${a.port}`],
  ['address', ({ scheme, a }) => `${scheme}://127.0.0.1:${a.port}`],
]
