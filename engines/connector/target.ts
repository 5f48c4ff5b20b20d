/** Where a connection leads. */
import type { ProxyHop, Route } from '../../src/index.ts'

/** Scheme, host and port of an origin. */
export interface Target {
  /** As in `https://api.test:8443`. */
  readonly origin: string
  readonly secure: boolean
  /** A name or an address, the latter without brackets. */
  readonly host: string
  readonly port: number
  /** The way there; missing means that it is direct. */
  readonly route?: Route | undefined
  /** The proxy that is asked in place of the server: the connection ends there, and every request names the whole url. */
  readonly forwarder?: ProxyHop | undefined
  /** The server may speak before it is spoken to, as with HTTP/2 in the clear. */
  readonly serverFirst?: boolean | undefined
}

/** Reads an origin, as in `https://api.test` or `http://[::1]:8080`. */
export function targetOf(origin: string, route?: Route): Target {
  const { protocol, hostname, port } = new URL(origin)
  const secure = protocol === 'https:'
  return {
    origin,
    secure,
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    // Always named, so that none of them comes from a polluted `Object.prototype`.
    route,
    forwarder: forwarderOf(route, secure),
    serverFirst: false,
  }
}

/** Writes an address and port the way people read them: `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The proxy that is asked for urls over `http://` as a server would be, in absolute form (RFC 9112 §3.2.2); `undefined` where the
 * way is a tunnel. One behind another proxy, and one that speaks SOCKS, only tunnels.
 */
function forwarderOf(route: Route | undefined, secure: boolean): ProxyHop | undefined {
  if (route === undefined || secure || route.tunnel || route.hops.length !== 1) return undefined
  const [hop] = route.hops
  return hop?.protocol === 'socks5' ? undefined : hop
}
