/** What undici and the socket report, in the codes and words that every engine uses. */
import { describe, HttpError, isHttpError, type ErrorCode, type HttpRequest, type Phase } from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import { whyRefused } from '../connector/handshake-failure.ts'

/** How far an exchange had come when it failed. */
export interface Progress {
  readonly request: HttpRequest
  /** The request was handed to the socket, in part or whole. */
  readonly written: boolean
  /** All of it was, body included. */
  readonly sent: boolean
  /** The first byte of an answer was seen. */
  readonly started: boolean
  /** The head of the answer was delivered. */
  readonly answered: boolean
  readonly received: number
  readonly expected: number | undefined
  readonly reused: boolean
  /** The peer had ended its side of the connection. */
  readonly ended: boolean
}

/** Makes the error of an exchange out of what undici reported. */
export function failureOf(error: unknown, progress: Progress): HttpError {
  if (isHttpError(error)) {
    const { request } = progress
    return error.with({ request, attempt: request.attempt, requestWritten: writtenOf(progress) })
  }
  const { code, phase, what } = classify(error, progress)
  return errorOf(code, phase, what, progress, error)
}

/** Makes an error that knows how far the exchange had come; `what` is a clause that follows the request's name. */
export function errorOf(code: ErrorCode, phase: Phase, what: string, progress: Progress, cause?: unknown): HttpError {
  const { request, reused } = progress
  return new HttpError(code, `${describe(request, request.attempt)} ${what}.`, {
    phase,
    request,
    attempt: request.attempt,
    requestWritten: writtenOf(progress),
    reusedConnection: reused,
    cause,
  })
}

/** Whether the request had left, for those who think about sending it again. */
function writtenOf({ written, sent, started }: Progress): 'no' | 'maybe' | 'yes' {
  if (!written) return 'no'
  return sent || started ? 'yes' : 'maybe'
}

/** True when the connection ended under the request, whoever ended it and however. */
export function isBroken(error: unknown): boolean {
  const code = codeOf(error)
  return !isUnparsable(error) && (BROKEN.has(code) || isTls(code))
}

interface Classified {
  readonly code: ErrorCode
  readonly phase: Phase
  readonly what: string
}

function classify(error: unknown, progress: Progress): Classified {
  const code = codeOf(error)
  const phase = progress.answered ? 'body' : progress.sent || progress.started ? 'headers' : 'send'
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return {
      code: 'TOO_LARGE',
      phase,
      what: `was answered with more header fields than ${progress.answered ? 'trailers' : 'a head'} may have`,
    }
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return { code: 'CONFIG', phase: 'config', what: `cannot be sent: ${messageOf(error)}` }
  }
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return { code: 'BODY', phase: 'send', what: 'has a body of another length than it announces' }
  }
  if (isUnparsable(error)) {
    // A parser that is told of the end in the middle of a message calls that a mistake of the peer.
    if (progress.answered && (progress.ended || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'))
      return truncated(progress)
    // The only answer that undici refuses for its status while a request waits for it.
    if (messageOf(error) === 'bad response' && !progress.answered)
      return { code: 'PROTOCOL', phase: 'headers', what: UNASKED_100 }
    return {
      code: 'PROTOCOL',
      phase: progress.answered ? 'body' : 'headers',
      what: `was answered with something that is not HTTP/1.1${detailOf(error)}`,
    }
  }
  // From TLS 1.3 on a server refuses a client's certificate when the client is through with the handshake.
  if (isTls(code) && !progress.started && !progress.reused) {
    const why = whyRefused(error)
    return {
      code: 'TLS',
      phase: 'tls',
      what: `was refused in the TLS handshake${why === undefined ? '' : `: ${why}`} (${code})`,
    }
  }
  if (!isBroken(error)) {
    // undici loads its parser with the first connection, for which a process may have no file left.
    if (!progress.written && code !== '') return { code: 'CONNECT', phase: 'connect', what: `was not sent (${code})` }
    // What neither undici nor the socket says was thrown by what they called: the source of the body, or an observer.
    return progress.sent || progress.request.body === undefined
      ? { code: 'CANCELLED', phase, what: 'was ended by an error in what listens to it' }
      : { code: 'BODY', phase: 'send', what: 'could not be sent: its body failed' }
  }
  if (progress.answered) return truncated(progress)
  return { code: 'RESET', phase, what: `was cut off ${WHERE[phase]}${named(error)}` }
}

const UNASKED_100 = 'was answered with 100 Continue, for which it had not asked and which undici does not take'

const WHERE = {
  send: 'while it was being sent: the server closed the connection',
  headers: 'before its answer was there: the server closed the connection',
  body: '',
}

function truncated({ received, expected }: Progress): Classified {
  const of = expected === undefined ? '' : ` of ${expected}`
  return { code: 'BODY', phase: 'body', what: `was cut off after ${received}${of} bytes of the body of its answer` }
}

function isTls(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code === 'EPROTO'
}

/** Errors of the parser have a name and no code; some of its checks are assertions (undici 8.12). */
function isUnparsable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  // A head whose lengths contradict each other is reported as a body of the wrong length.
  if (error.name === 'HTTPParserError' || code === 'ERR_ASSERTION' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return true
  return code === 'UND_ERR_SOCKET' && (error.message === 'bad response' || error.message === 'bad upgrade')
}

const BROKEN: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_INFO',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'SLUICE_RETIRED',
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

function detailOf(error: unknown): string {
  const detail = /\((.+)\)$/.exec(messageOf(error))?.[1]
  return detail === undefined ? '' : `: ${detail.toLowerCase()}`
}

function named(error: unknown): string {
  const code = codeOf(error)
  return code === '' || code.startsWith('UND_ERR_') ? '' : ` (${code})`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
