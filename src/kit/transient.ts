/** Kit for authors: which failures may go away by themselves. */
import { isHttpError, type HttpError, type Phase } from '../errors.ts'

/**
 * Tells an error that may go away by itself from one that will be the same the next time: no connection, one that broke off,
 * a timeout of one attempt, a truncated body. Whether the request may be sent again is another question, and a status is
 * none of its business.
 *
 * @example
 * ```ts
 * import { createClient, isTransient } from 'sluice'
 *
 * createClient({ plugins: [] })
 *   .get('http://127.0.0.1:9/')
 *   .subscribe({ error: error => console.log(isTransient(error)) }) // true
 * ```
 */
export function isTransient(error: unknown): boolean {
  if (!isHttpError(error)) return false
  switch (error.code) {
    case 'CONNECT':
    case 'RESET':
      return true
    case 'TIMEOUT':
      return TRANSIENT_TIMEOUTS.has(error.phase)
    case 'DNS':
      return DNS_AGAIN.has(causeOf(error))
    // A handshake that broke off, not a certificate or a protocol that will be as wrong the next time.
    case 'TLS':
      return BROKEN_OFF.has(causeOf(error))
    // No way to the proxy; what a proxy answered is its answer.
    case 'PROXY':
      return error.response === undefined && error.requestWritten === 'no'
    // Truncated. A body that cannot be decoded (`decode`) or produced (`send`) stays what it is.
    case 'BODY':
      return error.phase === 'body'
    default:
      return false
  }
}

/** Waiting in a queue that was full for so long would only make it longer; the deadline is the end of the call. */
const TRANSIENT_TIMEOUTS: ReadonlySet<Phase | undefined> = new Set([
  'dns',
  'connect',
  'proxy',
  'tls',
  'send',
  'headers',
  'idle',
  'attempt',
] as const)

const DNS_AGAIN: ReadonlySet<string | undefined> = new Set(['EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT', 'EREFUSED'])
const BROKEN_OFF: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

function causeOf({ cause }: HttpError): string | undefined {
  const code = (cause as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
