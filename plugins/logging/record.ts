/** What is logged, as data. Every text in it is safe to print: without secrets, on one line. */
import {
  isHttpError,
  type HttpHeaders,
  type HttpRequest,
  type NoticeEvent,
  type ResponseHead,
} from '../../src/index.ts'
import type { LoggedBody } from './peek.ts'
import { printable } from './printable.ts'
import { scrub, scrubQuery, type Secret } from './scrub.ts'

/** How serious a record is: failures are errors, answers from 400 on are warnings. */
export type Severity = 'info' | 'warn' | 'error'

/** One record of a call. At level `info` there is one, at its end. */
export interface LogRecord {
  /**
   * `request`: it is sent · `notice`: a plugin tells what it does · `head`: a live answer begins · `response`: the answer
   * is there · `error`: the call failed · `cancelled`: its subscriber left before there was an answer.
   */
  readonly event: 'request' | 'notice' | 'head' | 'response' | 'error' | 'cancelled'
  readonly severity: Severity
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Counts the calls of a client; the same in all records of a call. */
  readonly id: number
  readonly method: string
  readonly url: string
  /** Milliseconds since the call began. */
  readonly ms?: number
  /** Which send this was, when it was not the first. */
  readonly attempt?: number
  readonly status?: number
  readonly statusText?: string
  readonly httpVersion?: string
  /** Bytes of the answer's body so far. */
  readonly bytes?: number
  /** False for a live answer whose reader left before its end. */
  readonly complete?: boolean
  /** From level `headers` on. */
  readonly headers?: Readonly<Record<string, string>>
  /** Header fields that plugins added to the request; in the last record, from level `headers` on. */
  readonly added?: Readonly<Record<string, string>>
  /** At level `body`. */
  readonly body?: LoggedBody
  /** What was sent of a body that was produced while it was sent; at level `body`. */
  readonly requestBody?: LoggedBody
  readonly error?: LoggedError
  /** What plugins told: one in a `notice`, all of the call in its last record at level `info`. */
  readonly notices?: readonly LoggedNotice[]
}

/** A failure as it is logged. */
export interface LoggedError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly phase?: string
}

/** A notice as it is logged: only numbers, flags and texts of its detail. */
export interface LoggedNotice {
  readonly plugin: string
  readonly name: string
  readonly detail: Readonly<Record<string, string | number | boolean>>
}

/** The url of a request, its query redacted. */
export function loggedUrl({ url }: HttpRequest, secret: Secret): string {
  const query = url.indexOf('?')
  return printable(query < 0 ? url : url.slice(0, query) + scrubQuery(url.slice(query), secret))
}

/** Header fields by lower-case name. */
export function loggedHeaders(headers: HttpHeaders, secret: Secret): Record<string, string> {
  const shown = Object.create(null) as Record<string, string>
  for (const [field, value] of headers) {
    const name = printable(field.toLowerCase(), 128)
    const hidden = headers.isSecret(field) || secret(name, 'header')
    const safe = hidden ? `<redacted:${value.length}>` : printable(scrub(value, secret), 1024)
    shown[name] = name in shown ? `${shown[name] ?? ''}, ${safe}` : safe
  }
  return shown
}

/** What the head of an answer says of itself. */
export function loggedHead({ status, statusText, httpVersion, request }: ResponseHead): Partial<LogRecord> {
  const { attempt } = request
  return {
    status,
    ...(statusText === '' ? {} : { statusText: printable(statusText, 80) }),
    httpVersion,
    ...(attempt > 1 ? { attempt } : {}),
  }
}

/** A failure: ours are free of secrets by themselves, others are made so. */
export function loggedError(error: unknown, secret: Secret): LoggedError {
  if (isHttpError(error)) {
    const { name, message, code, phase } = error
    return { name, message: printable(message), code, ...(phase === undefined ? {} : { phase }) }
  }
  if (error instanceof Error) {
    return { name: printable(error.name, 128), message: printable(scrub(error.message, secret)) }
  }
  return { name: typeof error, message: 'something was thrown that is no Error' }
}

/** A notice, with what of its detail can be printed. */
export function loggedNotice({ plugin, name, detail }: NoticeEvent, secret: Secret): LoggedNotice {
  const shown: Record<string, string | number | boolean> = {}
  for (const [key, value] of Object.entries(detail)) {
    if (typeof value === 'number' || typeof value === 'boolean') shown[key] = value
    else if (typeof value === 'string') {
      shown[key] = secret(key, 'header') ? `<redacted:${value.length}>` : printable(scrub(value, secret), 512)
    }
  }
  return { plugin, name, detail: shown }
}
