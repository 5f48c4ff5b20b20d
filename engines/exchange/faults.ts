/** What can go wrong with an exchange, in the codes and words that every engine uses. */
import { codeOf } from '../connector/failure.ts'
import { whyRefused } from '../connector/handshake-failure.ts'
import { phaseOf, type Fault, type Progress } from './progress.ts'

/** The peer broke off. `error` is what the system said of it; missing when the peer simply closed the connection. */
export function brokenOff(progress: Progress, error: unknown): Fault {
  const code = codeOf(error)
  // From TLS 1.3 on a server refuses a client's certificate when the client is through with the handshake.
  if (isTls(code) && !progress.started && !progress.reused) {
    const why = whyRefused(error)
    const said = why === undefined ? '' : `: ${why}`
    return { code: 'TLS', phase: 'tls', what: `was refused in the TLS handshake${said} (${code})` }
  }
  if (progress.answered) return truncated(progress)
  const phase = phaseOf(progress)
  const when = phase === 'send' ? 'while it was being sent' : 'before its answer was there'
  const why = code === '' ? '' : ` (${code})`
  return { code: 'RESET', phase, what: `was cut off ${when}: the server closed the connection${why}` }
}

/** The body of the answer ended before it was whole. */
export function truncated({ received, expected }: Progress): Fault {
  const of = expected === undefined ? '' : ` of ${expected}`
  return { code: 'BODY', phase: 'body', what: `was cut off after ${received}${of} bytes of the body of its answer` }
}

/** The head of the answer, or its trailers, has more bytes than are taken. */
export function overflowing(progress: Progress): Fault {
  const where = progress.answered ? 'trailers' : 'a head'
  return {
    code: 'TOO_LARGE',
    phase: phaseOf(progress),
    what: `was answered with more header fields than ${where} may have`,
  }
}

/** What came is not HTTP; `detail` is what the parser found wrong, or empty. */
export function unreadable({ answered }: Progress, detail: string): Fault {
  return {
    code: 'PROTOCOL',
    phase: answered ? 'body' : 'headers',
    what: `was answered with something that is not HTTP/1.1${detail === '' ? '' : `: ${detail.toLowerCase()}`}`,
  }
}

/** The driver refuses to send the request. */
export function unsendable(why: string): Fault {
  return { code: 'CONFIG', phase: 'config', what: `cannot be sent: ${why}` }
}

/** The body of the request is longer or shorter than its head says. */
export const OF_ANOTHER_LENGTH: Fault = {
  code: 'BODY',
  phase: 'send',
  what: 'has a body of another length than it announces',
}

/** The source of the body failed. */
export const SOURCE_FAILED: Fault = { code: 'BODY', phase: 'send', what: 'could not be sent: its body failed' }

/** The peer has taken nothing of the body for as long as the request allows. */
export function stalled(ms: number): Fault {
  return {
    code: 'TIMEOUT',
    phase: 'send',
    what: `was cut off: the server took nothing of its body for ${ms} ms`,
  }
}

/** Whoever hears of the exchange threw. */
export function listenerFailed(progress: Progress): Fault {
  return { code: 'CANCELLED', phase: phaseOf(progress), what: 'was ended by an error in what listens to it' }
}

/** True for the errors of a socket that say that the connection ended, whoever ended it and however. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error)
  return LOST.has(code) || isTls(code)
}

function isTls(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code === 'EPROTO'
}

const LOST: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTCONN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
])
