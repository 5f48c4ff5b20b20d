/**
 * The one error class of sluice, with a closed set of codes.
 *
 *   HttpError
 *   ├─ caller's mistake   CONFIG  UNSUPPORTED
 *   ├─ no connection      DNS  CONNECT  TLS  PROXY
 *   ├─ broken exchange    TIMEOUT  RESET  PROTOCOL  BODY  TOO_LARGE
 *   ├─ unwanted answer    STATUS
 *   ├─ refused by a rule  CIRCUIT_OPEN  RATE_LIMITED  BLOCKED
 *   └─ client's end       CLOSED  CANCELLED
 */
import type { Problem } from './problem.ts'
import { redactUrl } from './redact.ts'
import type { HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import type { SchemaIssue } from './schema.ts'

/** Says what went wrong; the same fault has the same code on every engine. */
export type ErrorCode =
  | 'CONFIG'
  | 'UNSUPPORTED'
  | 'DNS'
  | 'CONNECT'
  | 'TLS'
  | 'PROXY'
  | 'TIMEOUT'
  | 'RESET'
  | 'PROTOCOL'
  | 'BODY'
  | 'TOO_LARGE'
  | 'STATUS'
  | 'CIRCUIT_OPEN'
  | 'RATE_LIMITED'
  | 'BLOCKED'
  | 'CLOSED'
  | 'CANCELLED'

/** Says where in the life of a call it went wrong, in the order in which a call passes through. */
export type Phase =
  | 'config'
  | 'queue'
  | 'dns'
  | 'connect'
  | 'proxy'
  | 'tls'
  | 'send'
  | 'headers'
  | 'body'
  | 'idle'
  | 'decode'
  | 'attempt'
  | 'deadline'

/** Names a request without its secrets: query values are redacted, user and password are gone. */
export interface RequestSummary {
  readonly id: number
  readonly method: string
  readonly url: string
}

/** What is known about a failure beside its code and its sentence. */
export interface HttpErrorDetails {
  readonly phase?: Phase | undefined
  /** The request that failed; kept on the error as a {@link RequestSummary}. */
  readonly request?: HttpRequest | RequestSummary | undefined
  /** Which send of the request failed, counted from 1. */
  readonly attempt?: number | undefined
  /** The answer, where there is one (`STATUS`, and `PROXY` for the proxy's own). */
  readonly response?: HttpResponse | undefined
  readonly cause?: unknown
  /** Whether the request had left: `no` is safe to repeat, `yes` and `maybe` only for idempotent methods. */
  readonly requestWritten?: 'no' | 'maybe' | 'yes' | undefined
  /** Whether the connection had served another request before. */
  readonly reusedConnection?: boolean | undefined
  /** HTTP/2 error code (RFC 9113 §7) of the stream or session. */
  readonly h2Code?: number | undefined
  /** What the server asked to wait, in milliseconds, when that was too long to wait. */
  readonly retryAfterMs?: number | undefined
  /** True when a retry was due but the retry budget of the origin was used up. */
  readonly budgetExhausted?: boolean | undefined
  /** What a schema found wrong with the answer. It may quote the body: what shows the error does not show it. */
  readonly issues?: readonly SchemaIssue[] | undefined
  /** What the server says of it (RFC 9457); see the plugin `problem`. It comes out of the body: what shows the error does not show it. */
  readonly problem?: Problem | undefined
  /** How the peer of a WebSocket said goodbye (RFC 6455 §7.4). */
  readonly close?: { readonly code: number; readonly reason: string } | undefined
}

const BRAND = Symbol.for('sluice.HttpError')

/**
 * Tells what went wrong with a call: a `code`, the `phase`, a whole sentence, and never a secret.
 *
 * @example
 * ```ts
 * import { createClient, isHttpError } from 'sluice'
 *
 * const client = createClient()
 * client.get('http://127.0.0.1:9/').subscribe({
 *   error: error => console.log(isHttpError(error) && error.code), // CONNECT
 * })
 * ```
 */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: ErrorCode
  declare readonly phase?: Phase
  declare readonly request?: RequestSummary
  declare readonly attempt?: number
  declare readonly response?: HttpResponse
  declare readonly requestWritten?: 'no' | 'maybe' | 'yes'
  declare readonly reusedConnection?: boolean
  declare readonly h2Code?: number
  declare readonly retryAfterMs?: number
  declare readonly budgetExhausted?: boolean
  declare readonly issues?: readonly SchemaIssue[]
  declare readonly problem?: Problem
  declare readonly close?: { readonly code: number; readonly reason: string }

  constructor(code: ErrorCode, message: string, details: HttpErrorDetails = {}) {
    const { cause, request, problem, issues, ...known } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
    Object.assign(this, defined(known))
    if (request) this.request = summarise(request)
    hide(this, { problem, issues })
  }

  /** Makes the same error with more known about it. */
  with(details: HttpErrorDetails): HttpError {
    const { message, code, cause, problem, issues, ...known } = this
    const copy = new HttpError(code, this.message, { ...known, problem, issues, cause: this.cause, ...details })
    if (this.stack !== undefined) Object.defineProperty(copy, 'stack', { value: this.stack })
    return copy
  }

  toJSON(): Record<string, unknown> {
    const { name, code, message, phase, request, attempt, requestWritten, reusedConnection } = this
    const status = this.response?.status
    return defined({ name, code, message, phase, request, attempt, requestWritten, reusedConnection, status })
  }
}

/** Tells an {@link HttpError} from any other error, also when it comes from a second copy of the package. */
export function isHttpError(error: unknown): error is HttpError {
  return typeof error === 'object' && error !== null && BRAND in error
}

/** Makes the error for a mistake of the caller: a wrong option, url, header or order. `message` says what would have been right. */
export function config(message: string): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config' })
}

/** Names a request in the middle of a sentence: `GET https://api.test/users`, `attempt 2 of GET …`. */
export function describe(request: { readonly method: string; readonly url: string }, attempt = 1): string {
  const name = `${request.method} ${redactUrl(request.url)}`
  return attempt > 1 ? `attempt ${attempt} of ${name}` : name
}

/** Takes from a request what may be kept and shown. */
export function summarise({ id, method, url }: HttpRequest | RequestSummary): RequestSummary {
  return { id, method, url: redactUrl(url) }
}

/** Gives an error what comes out of a body, or may quote one: whoever asks for it has it, and a log that shows all an error has does not. */
function hide(error: HttpError, details: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(details)) {
    if (value !== undefined) Object.defineProperty(error, name, { get: () => value })
  }
}

function defined<T extends object>(record: T): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
