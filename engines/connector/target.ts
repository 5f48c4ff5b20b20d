/** Where a connection leads. */

/** Scheme, host and port of an origin. */
export interface Target {
  /** As in `https://api.test:8443`. */
  readonly origin: string
  readonly secure: boolean
  /** A name or an address, the latter without brackets. */
  readonly host: string
  readonly port: number
}

/** Reads an origin, as in `https://api.test` or `http://[::1]:8080`. */
export function targetOf(origin: string): Target {
  const { protocol, hostname, port } = new URL(origin)
  const secure = protocol === 'https:'
  return {
    origin,
    secure,
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
  }
}

/** Writes an address and port the way people read them: `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
