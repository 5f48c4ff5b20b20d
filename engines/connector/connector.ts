/**
 * How engines on Node get a connection: look-up, TCP with all addresses, proxies, TLS.
 *
 * One connector belongs to one engine and lives as long. It stands for one TLS profile, and what it learns (TLS sessions,
 * addresses) and the connections it makes are never used by another: two engines with different certificates, keys or
 * pins share nothing, whatever their options look like as text. Likewise TLS sessions of one route are not used on another,
 * where they would tell that both are used by the same client.
 */
import { Connecting, type ConnectListener } from './connecting.ts'
import { LookUps } from './look-ups.ts'
import type { ConnectOptions } from './options.ts'
import { Ways } from './proxy/ways.ts'
import type { Target } from './target.ts'
import { TlsProfile } from './tls.ts'

export type { TlsOptions } from './tls.ts'

/** Makes connections for one engine. */
export class Connector {
  readonly #options: ConnectOptions
  readonly #lookUps: LookUps
  readonly #tls: TlsProfile
  readonly #ways = new Ways()

  /** Throws `CONFIG` when a certificate or key cannot be read. `protocols` are offered by ALPN, the preferred first. */
  constructor(options: ConnectOptions, protocols: readonly string[]) {
    this.#options = options
    this.#lookUps = new LookUps(options, options.lookupCache ?? false)
    this.#tls = new TlsProfile(options.tls, protocols)
  }

  /** Prepares a connection; `start()` begins it, `destroy()` calls it off. */
  prepare(target: Target, listener: ConnectListener): Connecting {
    return new Connecting(target, this.#options, this.#lookUps, this.#tls, this.#ways, listener)
  }
}
