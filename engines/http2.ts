/** HTTP/2 with sessions of our own on node:http2, alone or beside HTTP/1.1. */
import type { Agent } from 'http2-wrapper'
import {
  HttpError,
  limit,
  oneOf,
  type Capabilities,
  type Engine,
  type EngineFactory,
  type Exchange,
} from '../src/index.ts'
import { Connector } from './connector/connector.ts'
import { atLeastOne, checkOptions, checkTls, ownOf, type ConnectOptions } from './connector/options.ts'
import { Borrowing } from './http2/borrowing.ts'
import { EitherSocket } from './http2/either-socket.ts'
import { Http2Exchange } from './http2/exchange.ts'
import { Knowledge } from './http2/knowledge.ts'
import { SESSION_DEFAULTS, type SessionSettings } from './http2/settings.ts'
import { Negotiation } from './negotiation/negotiation.ts'
import { PooledEngine } from './pool/engine.ts'
import { connectingOf, POOL_CHECKS, proxying, settingsOf, type PoolOptions } from './pool/options.ts'
import { Pools } from './pool/pools.ts'
import { UndiciExchange } from './undici/exchange.ts'
import type { Settings } from './undici/settings.ts'
import { SocketEngine, Sockets, UPGRADABLE } from './web-socket/sockets.ts'

export type { TlsOptions } from './connector/connector.ts'

/** The options of {@link http2}. A wrong one throws `HttpError` code `CONFIG`. Times are milliseconds, `false` is no limit. */
export interface Http2Options extends PoolOptions {
  /**
   * `'h2'` speaks HTTP/2 over TLS and fails with `TLS` where the server does not. `'auto'` speaks what the server chooses by
   * ALPN, HTTP/1.1 without TLS, and HTTP/1.1 with a server that asks for it (status 421, HTTP_1_1_REQUIRED). `'h2c'`
   * speaks HTTP/2 also without TLS, to servers that are known to. A WebSocket is a stream (RFC 8441); where the server opens none,
   * `'auto'` opens it over HTTP/1.1, the others fail with `UNSUPPORTED`. Default `'auto'`.
   */
  readonly mode?: 'h2' | 'auto' | 'h2c' | undefined
  /** How many requests may be on one connection at a time, if its server takes as many. Default 100. */
  readonly streams?: number | undefined
  /**
   * How many bytes of an answer may be on their way or wait to be read, at least 65 535 and at most 2 147 483 647: what a reader
   * that stalls costs, and with the round trip what a fast one gets. Default 524 288.
   */
  readonly streamWindow?: number | undefined
  /** How long an idle connection is kept; `false` closes each when it has nothing to do. Default 30 000. */
  readonly keepAlive?: number | false | undefined
  /**
   * How long a connection with requests may be silent before its server is asked whether it is there (PING). One that does not
   * answer for as long again is given up, and its requests fail with `RESET`. Default 30 000.
   */
  readonly pingInterval?: number | false | undefined
  /**
   * Takes sessions from this Agent of http2-wrapper in place of connections made here: one of its proxy agents, or a pool that
   * others use too. `connections` and `connectionsPerOrigin` then bound how many requests are on it at a time; everything
   * about connecting is its own and cannot be given beside it. It speaks HTTP/2 over TLS. A connection that it makes cannot
   * be called off, and after one that broke off before HTTP/2 was agreed on, it never gets another for that origin: make a
   * new one then. It stays yours to destroy. Default: none.
   */
  readonly agent?: Agent | undefined
}

/**
 * Sends requests over HTTP/2, many side by side on one connection, and over HTTP/1.1 where the server speaks no more.
 *
 * For hosts that speak HTTP/1.1 only, `undici()` does the same with less. Throws `HttpError` code `CONFIG` for an option that is
 * wrong or unknown.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { http2 } from 'sluice/engines/http2'
 *
 * const client = createClient({ engine: http2({ streams: 50, keepAlive: 60_000 }) })
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status))
 * await client.close()
 * ```
 */
export function http2(given: Http2Options = {}): EngineFactory {
  const options = ownOf(given)
  checkOptions('http2', options, CHECKS)
  if (options.tls !== undefined) checkTls('http2', options.tls)
  const { mode = 'auto', asyncContext = true } = options
  const settings: Settings & SessionSettings = {
    ...settingsOf(options),
    keepAlive: options.keepAlive ?? 30_000,
    streams: options.streams ?? SESSION_DEFAULTS.streams,
    streamWindow: options.streamWindow ?? SESSION_DEFAULTS.streamWindow,
    pingInterval: options.pingInterval ?? SESSION_DEFAULTS.pingInterval,
  }
  const { agent } = options
  if (agent !== undefined) return borrowing(agent, options, settings, asyncContext)
  const connecting = connectingOf(options)
  const make = mode === 'auto' ? either : only
  // Made once here so that a certificate that cannot be read is a mistake of the caller, not of a request.
  make(mode, settings, connecting, asyncContext)
  return { name: 'http2', create: () => make(mode, settings, connecting, asyncContext) }
}

type Make = (
  mode: NonNullable<Http2Options['mode']>,
  settings: Settings & SessionSettings,
  connecting: ConnectOptions,
  asyncContext: boolean,
) => Engine

const only: Make = (mode, settings, connecting, asyncContext) => {
  const source = new Knowledge(connecting, settings, mode === 'h2c')
  const pools = new Pools<Http2Exchange>(settings, source, source.adopt)
  const protocols = mode === 'h2c' ? (['h2c', 'h2'] as const) : (['h2'] as const)
  const engine = new PooledEngine(
    'http2',
    { ...CAPABILITIES, ...proxying(connecting), protocols },
    pools,
    (request, observer) => new Http2Exchange(request, observer, pools),
    asyncContext,
  )
  return new SocketEngine(engine, undefined, asyncContext)
}

const either: Make = (_, settings, connecting, asyncContext) => {
  const source = new Negotiation(connecting, settings, settings)
  const ids = { last: 0 }
  const pools = new Pools<UndiciExchange>(settings, source, source.adopt, ids)
  const engine = new PooledEngine(
    'http2',
    { ...CAPABILITIES, ...proxying(connecting) },
    pools,
    (request, observer) => new UndiciExchange(request, observer, pools),
    asyncContext,
  )
  const handshake = { ...settings, tolerant: false, configure: undefined }
  const sockets = new Sockets(handshake, new Connector(connecting, UPGRADABLE), ids)
  return new SocketEngine(engine, sockets, asyncContext, (request, wish, observer) => {
    const open = (): Exchange => sockets.open(request, wish, observer)
    if (source.isOld(request.origin)) return open()
    const either = new EitherSocket(request, observer, pools, open)
    pools.run(either)
    return either
  })
}

/** The engine on an agent of the user's. */
function borrowing(
  agent: Agent,
  options: Http2Options,
  settings: Settings & SessionSettings,
  asyncContext: boolean,
): EngineFactory {
  const moot = Object.keys(options).filter(name => !BESIDE_AGENT.has(name))
  if (moot.length > 0) {
    throw new HttpError('CONFIG', `http2({ agent }) leaves sessions to the agent: give ${moot.join(', ')} to that.`, {
      phase: 'config',
    })
  }
  return {
    name: 'http2',
    create() {
      const source = new Borrowing(agent, settings.streamWindow, settings.maxHeaderSize)
      const pools = new Pools<Http2Exchange>(settings, source, source.adopt)
      const engine = new PooledEngine(
        'http2',
        { ...CAPABILITIES, protocols: ['h2'], proxies: false, limits: ['queue', 'connect', 'send'] },
        pools,
        (request, observer) => new Http2Exchange(request, observer, pools),
        asyncContext,
      )
      return new SocketEngine(engine, undefined, asyncContext)
    },
  }
}

const BESIDE_AGENT: ReadonlySet<string> = new Set([
  'agent',
  'connections',
  'connectionsPerOrigin',
  'acquireTimeout',
  'connectTimeout',
  'streamWindow',
  'maxHeaderSize',
  'asyncContext',
])

const CHECKS = {
  mode: oneOf('h2', 'auto', 'h2c'),
  streams: atLeastOne,
  streamWindow: (value: unknown): string | undefined =>
    Number.isSafeInteger(value) && (value as number) >= 65_535 && (value as number) < 2 ** 31
      ? undefined
      : 'a whole number from 65535 to 2147483647',
  pingInterval: limit,
  agent: (value: unknown): string | undefined =>
    typeof (Object(value) as { getSession?: unknown }).getSession === 'function'
      ? undefined
      : 'an Agent of http2-wrapper',
  ...POOL_CHECKS,
}

const CAPABILITIES: Capabilities = {
  protocols: ['h2', 'http/1.1'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: true,
  informational: true,
  trailers: true,
  backPressure: true,
  webSocket: true,
  decodes: false,
  proxies: true,
  limits: ['queue', 'dns', 'connect', 'tls', 'send'],
}
