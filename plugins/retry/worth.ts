/** What may go away by itself, what is safe to send again, and how long to wait in between. */
import { isHttpError, type HttpError, type HttpRequest, type Outcome, type Phase } from '../../src/index.ts'

/** Why an outcome is worth another attempt, for people; `undefined` when it is not. */
export function worthRepeating({ head, error }: Outcome, statuses: readonly number[]): string | undefined {
  if (head !== undefined) return statuses.includes(head.status) ? `status ${head.status}` : undefined
  if (!isHttpError(error) || !isTransient(error)) return undefined
  return error.phase === undefined ? error.code : `${error.code} (${error.phase})`
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

function isTransient(error: HttpError): boolean {
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

const DNS_AGAIN: ReadonlySet<string | undefined> = new Set(['EAI_AGAIN', 'ESERVFAIL', 'ETIMEOUT', 'EREFUSED'])
const BROKEN_OFF: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

function causeOf({ cause }: HttpError): string | undefined {
  const code = (cause as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** True when the peer has provably not seen the request, so that any method may be sent again. */
export function isUnsent({ error }: Outcome): boolean {
  return isHttpError(error) && error.requestWritten === 'no'
}

/** True when there is a body to send again, or none is needed: a source nobody has opened yet can still be sent. */
export function canBeSentAgain({ replayable, body }: HttpRequest): boolean {
  return replayable || (body !== undefined && 'spent' in body && !body.spent)
}

const LONGEST_DELAY = 20_000

/**
 * Full jitter: somewhere between nothing and 100 ms · 2ⁿ⁻¹, at most 20 s; five times that when the peer asks for less
 * (429, 503, HTTP/2 ENHANCE_YOUR_CALM).
 */
export function fullJitter(n: number, { head, error }: Outcome): number {
  const throttled = head?.status === 429 || head?.status === 503 || (isHttpError(error) && error.h2Code === 0xb)
  return Math.random() * Math.min(LONGEST_DELAY, (throttled ? 500 : 100) * 2 ** (n - 1))
}
