/** Why a stack of somebody else's, which connects by itself, got no connection. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import { codeOf, lookupFailed, notConnected, unreachable } from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { hostPort, targetOf } from '../connector/target.ts'

/** The error of a request whose connection did not come about; `undefined` when `cause` is about something else. */
export function unconnected(request: HttpRequest, cause: unknown): HttpError | undefined {
  const code = codeOf(cause)
  const target = targetOf(request.origin)
  const here = hostPort(target.host, target.port)
  const { syscall } = Object(cause) as { readonly syscall?: unknown }
  if (syscall === 'getaddrinfo') return notConnected(request, lookupFailed(target.host, cause))
  if (cause instanceof AggregateError || syscall === 'connect') {
    const causes: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
    return notConnected(
      request,
      unreachable(
        target,
        causes.map(one => ({ address: addressOf(one) ?? here, cause: one })),
      ),
    )
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    const what = `was not sent: connecting to ${here} took longer than the platform allows`
    return new HttpError('TIMEOUT', `${describe(request, request.attempt)} ${what}.`, {
      phase: 'connect',
      request,
      attempt: request.attempt,
      requestWritten: 'no',
      reusedConnection: false,
      cause,
    })
  }
  if (HANDSHAKE.test(code) || (cause instanceof Error && cause.message.includes('before secure TLS connection')))
    return notConnected(request, handshakeFailed(target, target.host, cause))
  return undefined
}

const HANDSHAKE = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|HOSTNAME_MISMATCH)/

function addressOf(error: unknown): string | undefined {
  const { address, port } = Object(error) as { readonly address?: unknown; readonly port?: unknown }
  return typeof address === 'string' && typeof port === 'number' ? hostPort(address, port) : undefined
}
