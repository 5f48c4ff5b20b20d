/** Addresses of WebSockets. */
import type { Url } from '../../src/index.ts'

/** The handshake is a request of HTTP (RFC 6455 §3): `ws:` is `http:` and `wss:` is `https:`. */
export function toHttp(url: Url): Url {
  // Also of what is no url at all: the client says so.
  const text = String(url)
  return /^\s*wss?:/i.test(text) ? text.replace(/^\s*ws/i, 'http') : url
}
