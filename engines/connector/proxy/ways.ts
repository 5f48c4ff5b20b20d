/** What a connector keeps of the ways through proxies: TLS to each proxy, and the sessions of servers behind them. */
import type { ProxyHop, Route } from '../../../src/index.ts'
import { ownOf } from '../options.ts'
import { TlsSessions } from '../sessions.ts'
import { TlsProfile } from '../tls.ts'

/** A tunnel is asked for over HTTP/1.1, also of a proxy that would rather speak HTTP/2. */
const PROTOCOLS = ['http/1.1']

/** Keeps it for as long as somebody holds the route. */
export class Ways {
  readonly #profiles = new WeakMap<ProxyHop, TlsProfile>()
  readonly #sessions = new WeakMap<Route, TlsSessions>()

  /** How TLS is spoken with a proxy. Throws `CONFIG` for a certificate or key that cannot be read. */
  profileOf(hop: ProxyHop): TlsProfile {
    let profile = this.#profiles.get(hop)
    if (profile === undefined) this.#profiles.set(hop, (profile = new TlsProfile(ownOf(hop.tls ?? {}), PROTOCOLS)))
    return profile
  }

  /** The TLS sessions of servers that are reached this way. */
  sessionsOf(route: Route): TlsSessions {
    let sessions = this.#sessions.get(route)
    if (sessions === undefined) this.#sessions.set(route, (sessions = new TlsSessions()))
    return sessions
  }
}
