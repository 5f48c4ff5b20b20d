/** The request: an immutable value that travels inward through the plugins. */
import type { RequestBody } from './body.ts'
import { shown } from './check.ts'
import { HttpError } from './errors.ts'
import type { HeadersInit, HeaderValue, HttpHeaders } from './headers.ts'
import { inspectAsJson, redactUrl } from './redact.ts'
import { note, read, Token, type Notes } from './token.ts'

/** The fields of a request, all but what can be derived from them. */
export interface RequestFields {
  /** Counts the calls of a client and its children, from 1; the same in every attempt of a call. */
  readonly id: number
  readonly method: string
  /** Absolute, normalised, without user, password and fragment. */
  readonly url: string
  readonly headers: HttpHeaders
  readonly body: RequestBody
  /** The options of this call by plugin name, checked and merged. */
  readonly options: Readonly<Record<string, object | false>>
  readonly notes: Notes | undefined
}

/** Counts the sends of a request from 1; noted by whoever sends it again. */
export const ATTEMPT: Token<number> = new Token('attempt', 1)

/** Says whether somebody will read the body while it arrives (`client.stream`) or wants the whole. */
export const LIVE: Token<boolean> = new Token('live', false)

/**
 * Holds one request. Changing it makes another one: `request.header('accept', 'text/html')`.
 */
export class HttpRequest implements RequestFields {
  declare readonly id: number
  declare readonly method: string
  declare readonly url: string
  declare readonly headers: HttpHeaders
  declare readonly body: RequestBody
  declare readonly options: Readonly<Record<string, object | false>>
  declare readonly notes: Notes | undefined

  constructor(fields: RequestFields) {
    // The one place that names all fields: every request passes here, and Object.assign costs five times as much.
    this.id = fields.id
    this.method = fields.method
    this.url = fields.url
    this.headers = fields.headers
    this.body = fields.body
    this.options = fields.options
    this.notes = fields.notes
  }

  /** Makes the same request with some fields changed. */
  with(change: Partial<RequestFields>): HttpRequest {
    return Object.assign(new HttpRequest(this), change)
  }

  /** Makes the same request with this header and no other of the name; `undefined` removes it. */
  header(name: string, value: HeaderValue): HttpRequest {
    return this.with({ headers: value === undefined ? this.headers.delete(name) : this.headers.set(name, value) })
  }

  /** Makes the same request in which these headers replace those of the same names. */
  withHeaders(init: HeadersInit): HttpRequest {
    return this.with({ headers: this.headers.merge(init) })
  }

  /** Makes the same request with a note for whoever is further in. */
  note<T>(token: Token<T>, value: T): HttpRequest {
    const noted: { -readonly [K in keyof RequestFields]: RequestFields[K] } = new HttpRequest(this)
    noted.notes = note(this.notes, token, value)
    return noted as HttpRequest
  }

  /** What was noted under the token further out, else the token's fallback. */
  read<T>(token: Token<T>): T | undefined {
    return read(this.notes, token)
  }

  /** Which send of this request this is, counted from 1. */
  get attempt(): number {
    return read(this.notes, ATTEMPT) ?? 1
  }

  /** Scheme, host and port, as in `https://api.test:8443`. */
  get origin(): string {
    return this.url.slice(0, pathStart(this.url))
  }

  /** Path and query, as they stand in the request line. */
  get target(): string {
    return this.url.slice(pathStart(this.url))
  }

  /** True when the body can be sent again, or when there is none. */
  get replayable(): boolean {
    return this.body === undefined || this.body instanceof Uint8Array || this.body.replayable
  }

  /** True when sending it twice does no more than sending it once (RFC 9110 §9.2.2, RFC 10008 for QUERY). */
  get idempotent(): boolean {
    return IDEMPOTENT.has(this.method) || this.headers.has('idempotency-key')
  }

  /** The request for people and logs: secrets are redacted, the body is left out. */
  toJSON(): Record<string, unknown> {
    return { id: this.id, method: this.method, url: redactUrl(this.url), headers: this.headers.toJSON() }
  }

  static {
    inspectAsJson(HttpRequest.prototype)
  }
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])

const KNOWN: ReadonlySet<string> = new Set([...IDEMPOTENT, 'POST', 'PATCH'])
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NORMALISED = /^(?:get|head|post|put|delete|options|patch|query|trace)$/i

/** Checks a method and writes the known ones in capitals; others keep their case (RFC 9110 §9.1). */
export function checkMethod(method: string): string {
  if (KNOWN.has(method)) return method
  if (typeof method === 'string' && NORMALISED.test(method)) return method.toUpperCase()
  if (typeof method !== 'string' || !TOKEN.test(method) || /^connect$/i.test(method)) {
    throw new HttpError(
      'CONFIG',
      `${shown(method)} is not a method a client can send; use a token such as GET, POST or PROPFIND (RFC 9110 §9.1).`,
      { phase: 'config' },
    )
  }
  return method
}

function pathStart(url: string): number {
  return url.indexOf('/', url.indexOf('//') + 2)
}
