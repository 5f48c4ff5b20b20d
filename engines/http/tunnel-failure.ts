/** Why hpagent opened no tunnel: its errors, in the words of the connector. */
import type { ProxyHop } from '../../src/index.ts'
import { codeOf, lookupFailed, unreachable, type AddressFailure, type ConnectFailure } from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { proxyFailed, proxyUnreachable } from '../connector/proxy/failure.ts'
import { hostPort, type Target } from '../connector/target.ts'

/** `servername` is the name that was looked for in the certificate of the proxy. */
export function tunnelFailed(hop: ProxyHop, servername: string, cause: unknown): ConnectFailure {
  const code = codeOf(cause)
  const { syscall } = Object(cause) as { readonly syscall?: unknown }
  if (syscall === 'getaddrinfo' || code === 'ENOTFOUND') return proxyUnreachable(hop, lookupFailed(hop.host, cause))
  const attempts = attemptsOf(hop, cause)
  if (attempts.length > 0) return proxyUnreachable(hop, unreachable(targetOf(hop), attempts))
  if (HANDSHAKE.test(code)) return proxyUnreachable(hop, handshakeFailed(targetOf(hop), servername, cause))
  if (code === 'HPE_HEADER_OVERFLOW') return proxyFailed(hop, 'answered with too large a head', cause)
  if (code.startsWith('HPE_')) return proxyFailed(hop, 'answered with something that is not HTTP/1.1', cause)
  if (code === 'ECONNRESET') return proxyFailed(hop, 'closed the connection before it had answered', cause)
  const said = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
  return proxyFailed(hop, `could not be asked for a tunnel: ${said}`, cause)
}

const HANDSHAKE = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/

/** Of a name with several addresses Node tells in one error. */
function attemptsOf(hop: ProxyHop, cause: unknown): readonly AddressFailure[] {
  const all: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  return all.flatMap(one => {
    const { syscall, address, port } = Object(one) as { syscall?: unknown; address?: string; port?: number }
    return syscall === 'connect' ? [{ address: hostPort(address ?? hop.host, port ?? hop.port), cause: one }] : []
  })
}

function targetOf({ protocol, host, port }: ProxyHop): Target {
  const secure = protocol === 'https'
  return { origin: `${protocol}://${hostPort(host, port)}`, secure, host, port }
}
