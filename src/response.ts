/** The whole answer: status, headers and all its bytes, with readers that can be called again and again. */
import { Answer } from './answer.ts'
import { charsetOf, decodeText } from './charset.ts'
import { describe, HttpError } from './errors.ts'
import type { ResponseHead, Timings } from './events.ts'
import { HttpHeaders } from './headers.ts'
import { inspectAsJson, redactUrl } from './redact.ts'
import { answerOf, isPromise, issuePlace, type Schema, type SchemaIssue } from './schema.ts'
import { readValue, unreadable, VALUE_READER } from './value.ts'

/** What a response adds to its head. */
export interface ResponseParts {
  readonly head: ResponseHead
  readonly bytes: Uint8Array
  readonly trailers?: HttpHeaders | undefined
  readonly timings?: Timings | undefined
  /** What `value()` answers, where that is settled. Given with other bytes it is forgotten, unless it is given too. */
  readonly settled?: Settled | undefined
}

/** A value that was made of a body already, or why none could be. */
export type Settled = { readonly value: unknown } | { readonly error: HttpError }

/** What a schema found wrong with the body of an answer, for the error that is made of its status. */
export let issuesOf: (response: HttpResponse) => readonly SchemaIssue[] | undefined

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
export class HttpResponse<V = unknown> extends Answer {
  /** The body; empty when there was none. */
  readonly bytes: Uint8Array
  /** Header fields that came after the body. */
  readonly trailers: HttpHeaders
  /** When things happened in the attempt that brought this answer. */
  readonly timings: Timings
  readonly #settled: Settled | undefined

  constructor({ head, bytes, trailers, timings, settled }: ResponseParts) {
    super(head)
    this.bytes = bytes
    this.trailers = trailers ?? HttpHeaders.none
    this.timings = timings ?? head.timings ?? NO_TIMINGS
    this.#settled = settled
  }

  /** Makes the same answer with other parts, for plugins that translate answers. */
  with(change: Partial<ResponseParts>): HttpResponse<V> {
    const settled = change.bytes === undefined ? this.#settled : undefined
    return new HttpResponse({ ...this, settled, ...change })
  }

  /**
   * Reads the body as text, by its byte order mark, else the charset of its `Content-Type`, else UTF-8. Throws `BODY` for
   * an unknown charset.
   */
  text(): string {
    const label = charsetOf(this.headers.get('content-type'))
    try {
      return decodeText(this.bytes, label)
    } catch (cause) {
      const name = JSON.stringify(label ?? 'utf-8')
      throw unreadable(this, `has the charset ${name}, which this platform cannot decode`, cause)
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
    return schema === undefined ? (value as T) : this.#matching(value, schema)
  }

  /**
   * What the body says, by its type: what the plugin `codecs` reads from it, without that its JSON or its text; what `validate` made of
   * it, where that stands in the client; `undefined` when there is no body (204, 304, `HEAD`). A schema validates and types it as with
   * `json(schema)`.
   *
   * Throws `BODY` for a type nobody reads, for a body that is not what its type says, and when a schema finds fault (`error.issues`).
   */
  value(): V
  value<T>(schema?: Schema<T>): T
  value(schema?: Schema): unknown {
    const settled = this.#settled
    if (settled !== undefined && 'error' in settled) throw settled.error
    const value = settled === undefined ? (this.request.read(VALUE_READER) ?? readValue)(this) : settled.value
    return schema === undefined ? value : this.#matching(value, schema)
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
    // Answers of a second copy of the package have no field of ours to look at.
    issuesOf = response => {
      const settled = #settled in response ? response.#settled : undefined
      return settled !== undefined && 'error' in settled ? settled.error.issues : undefined
    }
  }

  #parse(): unknown {
    if (this.bytes.length === 0) throw unreadable(this, 'has no body to read as JSON')
    const text = this.text()
    try {
      return JSON.parse(text)
    } catch {
      // The parser's own message quotes the body, which may hold secrets.
      throw unreadable(this, `is no valid JSON (content-type ${this.headers.get('content-type') ?? 'missing'})`)
    }
  }

  #matching<T>(value: unknown, schema: Schema<T>): T {
    const said = schema['~standard'].validate(value)
    if (isPromise(said)) {
      throw new HttpError(
        'CONFIG',
        `The schema of ${schema['~standard'].vendor} is asynchronous; give it to the plugin validate, which waits for it, or use it on response.json() by itself.`,
        { phase: 'config', request: this.request },
      )
    }
    const result = answerOf(schema, said)
    if (result.issues === undefined) return result.value
    throw mismatch(this, result.issues)
  }
}

/** Makes the error of an answer that is not what a schema wants. What the schema says is not in its sentence, for it may quote the body. */
export function mismatch(response: HttpResponse, issues: readonly SchemaIssue[]): HttpError {
  const { request } = response
  return new HttpError('BODY', `The answer to ${describe(request)} does not match its schema${issuePlace(issues)}.`, {
    phase: 'decode',
    request,
    response,
    issues,
  })
}
