/** The options that all engines on these pools share: how many connections, how they are made, and for how long. */
import type { LookupFunction } from 'node:net'
import { flag, limit, type Check } from '../../src/index.ts'
import type { TlsOptions } from '../connector/connector.ts'
import { atLeastOne, atLeastOneOrInfinity, CONNECT_CHECKS, ownOf, type ConnectOptions } from '../connector/options.ts'
import type { PoolSettings } from './settings.ts'

/** How connections are made and kept. Times are milliseconds, `false` is no limit. */
export interface PoolOptions {
  /** How many connections may be open in all; `Infinity` for no limit. Default 256. Idle ones give way to other origins. */
  readonly connections?: number | undefined
  /** How many connections may be open to one origin; `Infinity` for no limit. Default 64. */
  readonly connectionsPerOrigin?: number | undefined
  /**
   * How long an idle connection is kept at most; a server that announces less (`Keep-Alive: timeout`) is believed. `false`
   * closes each after its answer. Default 4000, and up to 600 000 when the server announces that.
   */
  readonly keepAlive?: number | false | undefined
  /** How long look-up, TCP, proxies and TLS may take together, unless the request has a limit of its own. Default 10 000. */
  readonly connectTimeout?: number | false | undefined
  /** How often a connection is tried when every address failed, within `connectTimeout`. Default 1. */
  readonly connectAttempts?: number | undefined
  /** How long a request may wait for a connection to become free, unless it has a limit of its own. Default 30 000. */
  readonly acquireTimeout?: number | false | undefined
  /** How large the head of an answer may be, and its trailers, in bytes. Default 65 536. */
  readonly maxHeaderSize?: number | undefined
  /** Certificates, versions and ciphers. Default: those of Node, TLS 1.2 and newer. */
  readonly tls?: TlsOptions | undefined
  /** Looks up host names, called as `dns.lookup` is with `{ all: true }`. Default: `dns.lookup`. */
  readonly lookup?: LookupFunction | undefined
  /**
   * How long the addresses of a host are used again, in milliseconds, unless no connection comes about with them; until then
   * no connection looks it up. Default `false`: every new connection does, so that a host can move, and the system decides.
   */
  readonly lookupCache?: number | false | undefined
  /** Uses only addresses of this family. Default: both, whichever connects first. */
  readonly family?: 4 | 6 | undefined
  /** The address of this machine to connect from. Default: the system chooses. */
  readonly localAddress?: string | undefined
  /** Connects to this unix socket, whatever the host of the url; no request can then go through a proxy. Default: none. */
  readonly socketPath?: string | undefined
  /**
   * Calls you back in the `AsyncLocalStorage` context in which you sent the request; `false` saves a microsecond a request and
   * calls back in that of any request, so that a logger may name somebody else's. Default `true`.
   */
  readonly asyncContext?: boolean | undefined
}

/** The checks of these options. */
export const POOL_CHECKS: Readonly<Record<keyof PoolOptions, Check>> = {
  connections: atLeastOneOrInfinity,
  connectionsPerOrigin: atLeastOneOrInfinity,
  keepAlive: limit,
  connectTimeout: limit,
  acquireTimeout: limit,
  maxHeaderSize: atLeastOne,
  asyncContext: flag,
  ...CONNECT_CHECKS,
}

/** What the options say of a connection that is there. */
export interface KeepSettings {
  readonly keepAlive: number | false
  /** The same where the server announces how long it keeps the connection. */
  readonly keepAliveAnnounced: number | false
  readonly maxHeaderSize: number
}

/** Fills in the defaults of what is not about connecting. */
export function settingsOf(options: PoolOptions): PoolSettings & KeepSettings {
  return {
    connections: options.connections ?? 256,
    connectionsPerOrigin: options.connectionsPerOrigin ?? 64,
    pipelining: 1,
    keepAlive: options.keepAlive ?? 4000,
    keepAliveAnnounced: options.keepAlive ?? 600_000,
    connectTimeout: options.connectTimeout ?? 10_000,
    acquireTimeout: options.acquireTimeout ?? 30_000,
    maxHeaderSize: options.maxHeaderSize ?? 65_536,
  }
}

/** Fills in the defaults of what is. */
export function connectingOf(options: PoolOptions): ConnectOptions {
  return {
    connectAttempts: options.connectAttempts ?? 1,
    tls: ownOf(options.tls ?? {}),
    lookup: options.lookup,
    lookupCache: options.lookupCache,
    family: options.family,
    localAddress: options.localAddress,
    socketPath: options.socketPath,
  }
}

/** What an engine with these options can do with a route: a unix socket is a way of its own, which leads past all proxies. */
export function proxying({ socketPath }: ConnectOptions): { readonly proxies: boolean } {
  return { proxies: socketPath === undefined }
}
