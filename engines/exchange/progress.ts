/** How far an exchange had come when it failed, and the errors that say so in the words of every engine. */
import { describe, HttpError, type ErrorCode, type HttpRequest, type Phase } from '../../src/index.ts'

/** How far an exchange has come. */
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

/** What an error says beside how far its exchange had come; `what` is a clause that follows the request's name. */
export interface Fault {
  readonly code: ErrorCode
  readonly phase: Phase
  readonly what: string
}

/** Makes an error that knows how far the exchange had come. */
export function errorOf({ code, phase, what }: Fault, progress: Progress, cause?: unknown): HttpError {
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

/** An error that is one of ours already, as that of this exchange. */
export function adopted(error: HttpError, progress: Progress): HttpError {
  const { request } = progress
  return error.with({ request, attempt: request.attempt, requestWritten: writtenOf(progress) })
}

/** The part of the exchange in which it failed. */
export function phaseOf({ answered, sent, started }: Progress): 'send' | 'headers' | 'body' {
  return answered ? 'body' : sent || started ? 'headers' : 'send'
}

/** Whether the request had left, for those who think about sending it again. */
function writtenOf({ written, sent, started }: Progress): 'no' | 'maybe' | 'yes' {
  if (!written) return 'no'
  return sent || started ? 'yes' : 'maybe'
}
