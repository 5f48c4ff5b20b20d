/** The whole answer: status, headers and all its bytes, with readers that can be called again and again. */
import { Answer } from './answer.ts'
import { describe, HttpError } from './errors.ts'
import type { ResponseHead, Timings } from './events.ts'
import { HttpHeaders } from './headers.ts'
import { inspectAsJson, redactUrl } from './redact.ts'
import { isPromise, issuePlace, type Schema } from './schema.ts'

/** What a response adds to its head. */
export interface ResponseParts {
  readonly head: ResponseHead
  readonly bytes: Uint8Array
  readonly trailers?: HttpHeaders | undefined
  readonly timings?: Timings | undefined
}

const UTF8 = new TextDecoder()
const NO_TIMINGS: Timings = { startedAt: 0 }

/**
 * Holds a whole answer. A status is a value here, not an error; `expectSuccess()` changes that.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 *
 * createClient()
 *   .get('https://api.example.com/users/7')
 *   .subscribe(response => console.log(response.status, response.json<{ name: string }>().name))
 * ```
 */
export class HttpResponse extends Answer {
  /** The body; empty when there was none. */
  readonly bytes: Uint8Array
  /** Header fields that came after the body. */
  readonly trailers: HttpHeaders
  /** When things happened in the attempt that brought this answer. */
  readonly timings: Timings

  constructor({ head, bytes, trailers, timings }: ResponseParts) {
    super(head)
    this.bytes = bytes
    this.trailers = trailers ?? HttpHeaders.none
    this.timings = timings ?? head.timings ?? NO_TIMINGS
  }

  /** Makes the same answer with other parts, for plugins that translate answers. */
  with(change: Partial<ResponseParts>): HttpResponse {
    return new HttpResponse({ ...this, ...change })
  }

  /** Reads the body as text, by the charset of its `Content-Type`, else UTF-8. Throws `BODY` for an unknown charset. */
  text(): string {
    const label = charset(this.headers)
    if (label === undefined) return UTF8.decode(this.bytes)
    try {
      return new TextDecoder(label).decode(this.bytes)
    } catch (cause) {
      throw this.#unreadable(`has the charset ${JSON.stringify(label)}, which this platform cannot decode`, cause)
    }
  }

  /**
   * Reads the body as JSON; with a Standard Schema (zod, valibot, arktype, …) the value is validated and typed by it.
   * Throws `BODY` when there is no JSON, or when the schema finds fault (`error.issues`).
   */
  json<T = unknown>(): T
  json<T>(schema: Schema<T>): T
  json<T>(schema?: Schema<T>): T {
    const value = this.#parse()
    if (schema === undefined) return value as T
    const result = schema['~standard'].validate(value)
    if (isPromise(result)) {
      throw new HttpError(
        'CONFIG',
        `The schema of ${schema['~standard'].vendor} is asynchronous; use it on response.json() by itself.`,
        {
          phase: 'config',
          request: this.request,
        },
      )
    }
    if (result.issues === undefined) return result.value
    throw new HttpError(
      'BODY',
      `The answer to ${describe(this.request)} does not match its schema${issuePlace(result.issues)}.`,
      {
        phase: 'decode',
        request: this.request,
        response: this,
        issues: result.issues,
      },
    )
  }

  /** The answer for people and logs: secrets are redacted, the body is only measured. */
  toJSON(): Record<string, unknown> {
    const { status, statusText, httpVersion, timings } = this
    return {
      status,
      statusText,
      url: redactUrl(this.url),
      headers: this.headers.toJSON(),
      httpVersion,
      bytes: this.bytes.length,
      timings,
    }
  }

  static {
    inspectAsJson(HttpResponse.prototype)
  }

  #parse(): unknown {
    if (this.bytes.length === 0) throw this.#unreadable('has no body to read as JSON')
    try {
      return JSON.parse(this.text())
    } catch (error) {
      if (error instanceof HttpError) throw error
      // The parser's own message quotes the body, which may hold secrets.
      throw this.#unreadable(`is no valid JSON (content-type ${this.headers.get('content-type') ?? 'missing'})`)
    }
  }

  #unreadable(why: string, cause?: unknown): HttpError {
    return new HttpError('BODY', `The answer ${this.status} to ${describe(this.request)} ${why}.`, {
      phase: 'decode',
      request: this.request,
      response: this,
      cause,
    })
  }
}

function charset(headers: HttpHeaders): string | undefined {
  const type = headers.get('content-type')
  if (type === undefined || !/charset/i.test(type)) return undefined
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1]
  return label === undefined || /^utf-?8$/i.test(label) ? undefined : label
}
