/** The default engine on Node: HTTP/1.1 on undici's dispatcher, HTTP/2 where a server chooses it, connections of our own making. */
import type { Dispatcher } from 'undici'
import { callback, flag, HttpError, listOf, type Capabilities, type EngineFactory } from '../src/index.ts'
import { Connector } from './connector/connector.ts'
import { atLeastOne, checkOptions, checkTls, ownOf, type ConnectOptions } from './connector/options.ts'
import { SESSION_DEFAULTS } from './http2/settings.ts'
import { Negotiation } from './negotiation/negotiation.ts'
import { PooledEngine } from './pool/engine.ts'
import { connectingOf, POOL_CHECKS, proxying, settingsOf, type PoolOptions } from './pool/options.ts'
import { Pools, type Counter } from './pool/pools.ts'
import { Connection } from './undici/connection.ts'
import { UndiciExchange } from './undici/exchange.ts'
import { Place, places } from './undici/foreign.ts'
import type { UndiciInterceptor } from './undici/interceptors.ts'
import type { Settings } from './undici/settings.ts'
import { SocketEngine, Sockets, UPGRADABLE } from './web-socket/sockets.ts'

export type { TlsOptions } from './connector/connector.ts'
export type { PoolOptions } from './pool/options.ts'
export type { UndiciInterceptor } from './undici/interceptors.ts'

/** The options of {@link undici}. A wrong one throws `HttpError` code `CONFIG`. Times are milliseconds, `false` is no limit. */
export interface UndiciOptions extends PoolOptions {
  /**
   * How many requests may be on one connection at a time. More than 1 is used when no more connections may be opened, and
   * for GET and HEAD without a body. Default 1.
   */
  readonly pipelining?: number | undefined
  /**
   * Whether a server may choose HTTP/2 in the TLS handshake (ALPN). It is then spoken by the sessions of `sluice/engines/http2`,
   * never by undici. WebSockets are opened over HTTP/1.1 all the same. Default `true`, and `false` beside `compose`, whose interceptors would not see what goes over HTTP/2.
   */
  readonly http2?: boolean | undefined
  /**
   * Interceptors as undici's own `compose()` takes them, around every connection, the first one outermost (undici's order is the
   * reverse). They see each send, below all plugins, on HTTP/1.1. What they answer is taken as the server's: names of header
   * fields arrive in lower case. They may send again over the same connection, not to another origin (`CONFIG`); what they hold
   * back is not sent when the request is left, but one that does not forward `controller` takes cancelling and back-pressure
   * away. Prefer plugins; this is for what exists. WebSockets are not opened beside them. Default: none.
   */
  readonly compose?: readonly UndiciInterceptor[] | undefined
  /**
   * Sends over this dispatcher of undici's (an `Agent`, `ProxyAgent`, `MockAgent` …) in place of connections made here.
   * `connections`, `connectionsPerOrigin` and `acquireTimeout` then bound how many requests it is given at a time; the options of
   * connecting are its own and cannot be given beside it. What it does not tell is not known: addresses, TLS, whether a
   * connection was used before, how long look-up and handshake took. A request that is left ends at once, but a connection
   * being made for it is undici's to end. Make it with `allowH2: false`: HTTP/2 of undici 8 loses answers. It stays yours to
   * close. It opens no WebSockets. Default: none.
   */
  readonly dispatcher?: Dispatcher | undefined
}

/**
 * Sends requests with undici over HTTP/1.1, and over HTTP/2 where a server chooses that in the TLS handshake. It is the default
 * engine on Node.
 *
 * Throws `HttpError` code `CONFIG` for an option that is wrong or unknown.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { undici } from 'sluice/engines/undici'
 *
 * const client = createClient({ engine: undici({ connectionsPerOrigin: 8, keepAlive: 10_000 }) })
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status))
 * await client.close()
 * ```
 */
export function undici(given: UndiciOptions = {}): EngineFactory {
  const options = ownOf(given)
  checkOptions('undici', options, CHECKS)
  if (options.tls !== undefined) checkTls('undici', options.tls)
  const settings: Settings = {
    ...settingsOf(options),
    pipelining: options.pipelining ?? 1,
    compose: options.compose === undefined ? undefined : [...options.compose],
  }
  const connecting = connectingOf(options)
  // Made once here so that a certificate that cannot be read is a mistake of the caller, not of a request.
  new Connector(connecting, PROTOCOLS)
  const { asyncContext = true, dispatcher, http2 = options.compose === undefined } = options
  if (http2 && options.compose !== undefined) {
    throw new HttpError(
      'CONFIG',
      'undici({ compose, http2: true }) would hide HTTP/2 from the interceptors: leave one of the two out.',
      { phase: 'config' },
    )
  }
  if (dispatcher !== undefined) return over(dispatcher, options, settings, asyncContext)
  return {
    name: 'undici',
    create() {
      const ids = { last: 0 }
      const pools = http2 ? either(settings, connecting, ids) : only(settings, connecting, ids)
      const engine = new PooledEngine(
        'undici',
        { ...CAPABILITIES, ...proxying(connecting), ...(http2 ? { protocols: ['http/1.1', 'h2'] } : undefined) },
        pools,
        (request, observer) => new UndiciExchange(request, observer, pools),
        asyncContext,
      )
      // Interceptors would not see them.
      if (settings.compose !== undefined) return engine
      const handshake = { ...settings, tolerant: false, configure: undefined }
      return new SocketEngine(engine, new Sockets(handshake, new Connector(connecting, UPGRADABLE), ids), asyncContext)
    },
  }
}

export { undici as defaultEngine }

/** HTTP/1.1 and nothing else. */
function only(settings: Settings, connecting: ConnectOptions, ids: Counter): Pools<UndiciExchange> {
  return new Pools<UndiciExchange>(
    settings,
    new Connector(connecting, PROTOCOLS),
    (id, target, socket, facts, owner) => new Connection(id, target, socket, facts, settings, owner),
    ids,
  )
}

/** What the server chooses. */
function either(settings: Settings, connecting: ConnectOptions, ids: Counter): Pools<UndiciExchange> {
  const source = new Negotiation(connecting, settings, { ...SESSION_DEFAULTS, ...settings })
  return new Pools<UndiciExchange>(settings, source, source.adopt, ids)
}

/** The engine over a dispatcher of the user's. */
function over(
  dispatcher: Dispatcher,
  options: UndiciOptions,
  settings: Settings,
  asyncContext: boolean,
): EngineFactory {
  const moot = Object.keys(options).filter(name => !BESIDE_DISPATCHER.has(name))
  if (moot.length > 0) {
    throw new HttpError(
      'CONFIG',
      `undici({ dispatcher }) leaves connecting to the dispatcher: give ${moot.join(', ')} to that.`,
      { phase: 'config' },
    )
  }
  return {
    name: 'undici',
    create() {
      const pools = new Pools<UndiciExchange>(
        settings,
        places,
        (id, { origin }, _socket, _facts, owner) => new Place(id, origin, dispatcher, settings.compose ?? [], owner),
      )
      return new PooledEngine(
        'undici',
        { ...CAPABILITIES, proxies: false, limits: ['queue', 'send'] },
        pools,
        (request, observer) => new UndiciExchange(request, observer, pools),
        asyncContext,
      )
    },
  }
}

const BESIDE_DISPATCHER: ReadonlySet<string> = new Set([
  'dispatcher',
  'compose',
  'connections',
  'connectionsPerOrigin',
  'acquireTimeout',
  'asyncContext',
])

const PROTOCOLS = ['http/1.1']

const CHECKS = {
  ...POOL_CHECKS,
  pipelining: atLeastOne,
  http2: flag,
  compose: listOf(callback),
  dispatcher: (value: unknown) =>
    typeof (value as { readonly dispatch?: unknown } | null)?.dispatch === 'function'
      ? undefined
      : "one of undici's dispatchers, as in new Agent({ allowH2: false })",
}

const CAPABILITIES: Capabilities = {
  protocols: ['http/1.1'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: true,
  informational: true,
  trailers: true,
  backPressure: true,
  webSocket: false,
  decodes: false,
  proxies: true,
  limits: ['queue', 'dns', 'connect', 'tls', 'send'],
}
