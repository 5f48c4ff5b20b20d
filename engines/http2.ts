/** HTTP/2 with sessions of our own on node:http2, alone or beside HTTP/1.1. */
import type { LookupFunction } from 'node:net'
import { flag, limit, oneOf, type Capabilities, type Engine, type EngineFactory } from '../src/index.ts'
import type { TlsOptions } from './connector/connector.ts'
import {
  atLeastOne,
  atLeastOneOrInfinity,
  checkOptions,
  checkTls,
  CONNECT_CHECKS,
  ownOf,
  type ConnectOptions,
} from './connector/options.ts'
import { Http2Exchange } from './http2/exchange.ts'
import { Knowledge } from './http2/knowledge.ts'
import { SESSION_DEFAULTS, type SessionSettings } from './http2/settings.ts'
import { Negotiation } from './negotiation/negotiation.ts'
import { PooledEngine } from './pool/engine.ts'
import { Pools } from './pool/pools.ts'
import { UndiciExchange } from './undici/exchange.ts'
import type { Settings } from './undici/settings.ts'

export type { TlsOptions } from './connector/connector.ts'

/** The options of {@link http2}. A wrong one throws `HttpError` code `CONFIG`. Times are milliseconds, `false` is no limit. */
export interface Http2Options {
  /**
   * `'h2'` speaks HTTP/2 over TLS and fails with `TLS` where the server does not. `'auto'` speaks what the server chooses by
   * ALPN, HTTP/1.1 without TLS, and HTTP/1.1 with a server that asks for it (status 421, HTTP_1_1_REQUIRED). `'h2c'`
   * speaks HTTP/2 also without TLS, to servers that are known to. Default `'auto'`.
   */
  readonly mode?: 'h2' | 'auto' | 'h2c' | undefined
  /** How many connections may be open in all; `Infinity` for no limit. Default 256. Idle ones give way to other origins. */
  readonly connections?: number | undefined
  /**
   * How many connections may be open to one origin; `Infinity` for no limit. With HTTP/2 another one is opened when all are
   * full. Default 64.
   */
  readonly connectionsPerOrigin?: number | undefined
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
  /** How long look-up, TCP, TLS and the server's settings may take together, unless the request has a limit of its own. Default 10 000. */
  readonly connectTimeout?: number | false | undefined
  /** How often a connection is tried when every address failed, within `connectTimeout`. Default 1. */
  readonly connectAttempts?: number | undefined
  /** How long a request may wait for room on a connection, unless it has a limit of its own. Default 30 000. */
  readonly acquireTimeout?: number | false | undefined
  /** How large the head of an answer may be, and its trailers, in bytes. Default 65 536. */
  readonly maxHeaderSize?: number | undefined
  /** Certificates, versions and ciphers. Default: those of Node, TLS 1.2 and newer. */
  readonly tls?: TlsOptions | undefined
  /** Looks up host names, called as `dns.lookup` is with `{ all: true }`. Default: `dns.lookup`. */
  readonly lookup?: LookupFunction | undefined
  /** How long addresses that were looked up are remembered. Default `false`: every connection looks up its host. */
  readonly lookupCache?: number | false | undefined
  /** Uses only addresses of this family. Default: both, whichever connects first. */
  readonly family?: 4 | 6 | undefined
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string | undefined
  /** Connects to this unix socket, whatever the host of the url. Default: none. */
  readonly socketPath?: string | undefined
  /**
   * Calls you back in the `AsyncLocalStorage` context in which you sent the request; `false` saves a microsecond a request and
   * calls back in that of any request, so that a logger may name somebody else's. Default `true`.
   */
  readonly asyncContext?: boolean | undefined
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
    connections: options.connections ?? 256,
    connectionsPerOrigin: options.connectionsPerOrigin ?? 64,
    pipelining: 1,
    streams: options.streams ?? SESSION_DEFAULTS.streams,
    streamWindow: options.streamWindow ?? SESSION_DEFAULTS.streamWindow,
    keepAlive: options.keepAlive ?? 30_000,
    keepAliveAnnounced: options.keepAlive ?? 600_000,
    pingInterval: options.pingInterval ?? SESSION_DEFAULTS.pingInterval,
    connectTimeout: options.connectTimeout ?? 10_000,
    acquireTimeout: options.acquireTimeout ?? 30_000,
    maxHeaderSize: options.maxHeaderSize ?? 65_536,
  }
  const connecting: ConnectOptions = {
    connectAttempts: options.connectAttempts ?? 1,
    tls: ownOf(options.tls ?? {}),
    lookup: options.lookup,
    lookupCache: options.lookupCache,
    family: options.family,
    localAddress: options.localAddress,
    socketPath: options.socketPath,
  }
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
  return new PooledEngine(
    'http2',
    { ...CAPABILITIES, protocols },
    pools,
    (request, observer) => new Http2Exchange(request, observer, pools),
    asyncContext,
  )
}

const either: Make = (_, settings, connecting, asyncContext) => {
  const source = new Negotiation(connecting, settings, settings)
  const pools = new Pools<UndiciExchange>(settings, source, source.adopt)
  return new PooledEngine(
    'http2',
    CAPABILITIES,
    pools,
    (request, observer) => new UndiciExchange(request, observer, pools),
    asyncContext,
  )
}

const CHECKS = {
  mode: oneOf('h2', 'auto', 'h2c'),
  connections: atLeastOneOrInfinity,
  connectionsPerOrigin: atLeastOneOrInfinity,
  streams: atLeastOne,
  streamWindow: (value: unknown): string | undefined =>
    Number.isSafeInteger(value) && (value as number) >= 65_535 && (value as number) < 2 ** 31
      ? undefined
      : 'a whole number from 65535 to 2147483647',
  keepAlive: limit,
  pingInterval: limit,
  connectTimeout: limit,
  acquireTimeout: limit,
  maxHeaderSize: atLeastOne,
  asyncContext: flag,
  ...CONNECT_CHECKS,
}

const CAPABILITIES: Capabilities = {
  protocols: ['h2', 'http/1.1'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: true,
  informational: true,
  trailers: true,
  backPressure: true,
  decodes: false,
  limits: ['queue', 'dns', 'connect', 'tls', 'send'],
}
