/** What a platform reports, in the codes and words that every engine uses, as far as it tells. */
import { describe, HttpError, isHttpError } from '../../src/index.ts'
import { codeOf, lookupFailed, notConnected, unreachable } from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { hostPort, targetOf } from '../connector/target.ts'
import { brokenOff, isConnectionLoss, overflowing, truncated, unreadable } from '../exchange/faults.ts'
import { adopted, errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import { unsupported } from '../platform/request.ts'
import { unexplained } from '../platform/silent.ts'

/** Makes the error of an exchange out of what `fetch`, or reading its body, rejected with. */
export function failureOf(error: unknown, progress: Progress, hint: string): HttpError {
  const cause = causeOf(error)
  if (isHttpError(cause)) return adopted(cause, progress)
  const early = progress.answered ? undefined : beforeAnswer(cause, progress)
  if (early !== undefined) return early
  const fault = faultOf(cause, progress)
  if (fault !== undefined) return errorOf(fault, progress, cause)
  // Whether it was written is as unknown as the rest.
  return errorOf(unexplained(progress, hint), { ...progress, sent: false }, error)
}

/** Node wraps what happened in a `TypeError` that says nothing. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause ?? error
}

/** Why there was no connection. */
function beforeAnswer(cause: unknown, progress: Progress): HttpError | undefined {
  const { request } = progress
  const code = codeOf(cause)
  const target = targetOf(request.origin)
  if (syscallOf(cause) === 'getaddrinfo') return notConnected(request, lookupFailed(target.host, cause))
  if (cause instanceof AggregateError || syscallOf(cause) === 'connect') {
    const causes: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
    const attempts = causes.map(one => ({ address: addressOf(one) ?? hostPort(target.host, target.port), cause: one }))
    return notConnected(request, unreachable(target, attempts))
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    const what = `was not sent: connecting to ${hostPort(target.host, target.port)} took longer than the platform allows`
    return errorOf({ code: 'TIMEOUT', phase: 'connect', what }, { ...progress, written: false }, cause)
  }
  if (HANDSHAKE.test(code) || messageOf(cause).includes('before secure TLS connection'))
    return notConnected(request, handshakeFailed(target, target.host, cause))
  if (messageOf(cause) === 'bad port')
    return unsupported(request, 'fetch', `asks for port ${target.port}, to which this platform does not connect`, cause)
  return undefined
}

/** Why the exchange broke. */
function faultOf(cause: unknown, progress: Progress): Fault | undefined {
  const code = codeOf(cause)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return overflowing(progress)
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return { code: 'TIMEOUT', phase: 'headers', what: 'was not answered for as long as the platform waits' }
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return {
      code: 'TIMEOUT',
      phase: 'idle',
      what: 'was answered with a body of which nothing came for as long as the platform waits',
    }
  if (code.startsWith('Z_') || code.startsWith('ERR__') || code.startsWith('ZSTD_'))
    return { code: 'BODY', phase: 'decode', what: `has an answer whose body cannot be decoded (${code})` }
  if (code === 'UND_ERR_SOCKET') {
    const unasked = UNASKED[messageOf(cause)]
    if (unasked !== undefined && !progress.answered)
      return { code: 'PROTOCOL', phase: 'headers', what: `was answered with ${unasked}, for which it had not asked` }
    return brokenOff(progress, undefined)
  }
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' && progress.answered) return truncated(progress)
  if (UNREADABLE.has(code) || (cause instanceof Error && cause.name === 'HTTPParserError'))
    return unreadable(progress, /\((.+)\)$/.exec(messageOf(cause))?.[1] ?? '')
  return isConnectionLoss(cause) ? brokenOff(progress, cause) : undefined
}

/** Statuses that undici takes for a broken connection. */
const UNASKED: Readonly<Record<string, string>> = {
  'bad upgrade': '101 Switching Protocols',
  'bad response': '100 Continue',
}

/** Some checks of undici's parser are assertions. */
const UNREADABLE: ReadonlySet<string> = new Set(['ERR_ASSERTION', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'])

const HANDSHAKE = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CRL_|HOSTNAME_MISMATCH)/

/** A limit of ours the platform has no answer to: the response is a redirect it hides. */
export function hiddenRedirect(progress: Progress): HttpError {
  const { request } = progress
  const what = `${describe(request, request.attempt)} was answered with a redirect, which this platform does not show: where it leads, nobody but the platform can follow. Use fetch({ redirect: 'follow' }), or another engine outside of browsers: undici, http2, http.`
  return new HttpError('UNSUPPORTED', what, {
    phase: 'headers',
    request,
    attempt: request.attempt,
    requestWritten: 'yes',
  })
}

function syscallOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'syscall' in error ? error.syscall : undefined
}

function addressOf(error: unknown): string | undefined {
  const { address, port } = error as { readonly address?: unknown; readonly port?: unknown }
  return typeof address === 'string' && typeof port === 'number' ? hostPort(address, port) : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
