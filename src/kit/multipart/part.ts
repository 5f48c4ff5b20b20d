/** One part of a body of many. */
import { charsetOf, decodeText } from '../../charset.ts'
import { describe, HttpError } from '../../errors.ts'
import type { HttpHeaders } from '../../headers.ts'
import type { HttpRequest } from '../../request.ts'
import { extended, fileName, parametersOf } from './parameters.ts'

/** What is known of a part before its bytes. */
export class PartHead {
  /** Counted from 1. */
  readonly number: number
  readonly headers: HttpHeaders
  /** The name of the form field, where the part is one. */
  readonly name: string | undefined
  /** The name of the file, without any path; `undefined` when there is none, or none that could name a file. */
  readonly filename: string | undefined

  constructor(number: number, headers: HttpHeaders) {
    this.number = number
    this.headers = headers
    const disposition = parametersOf(headers.get('content-disposition'))
    this.name = disposition.get('name')
    this.filename = fileName(extended(disposition.get('filename*')) ?? disposition.get('filename'))
  }
}

/** A part that has arrived. */
export class Part extends PartHead {
  readonly bytes: Uint8Array
  readonly #origin: { readonly request: HttpRequest }

  constructor({ number, headers }: PartHead, bytes: Uint8Array, origin: { readonly request: HttpRequest }) {
    super(number, headers)
    this.bytes = bytes
    this.#origin = origin
  }

  /** Reads it as text, by its byte order mark, else the charset of its own `Content-Type`, else UTF-8. Throws `BODY` for an unknown charset. */
  text(): string {
    const label = charsetOf(this.headers.get('content-type'))
    try {
      return decodeText(this.bytes, label)
    } catch (cause) {
      throw this.#broken(`has the charset ${JSON.stringify(label)}, which this platform cannot decode`, cause)
    }
  }

  /** Reads it as JSON. Throws `BODY` when it is none. */
  json<T = unknown>(): T {
    const text = this.text()
    try {
      return JSON.parse(text) as T
    } catch {
      // The parser's own message quotes the part, which may hold secrets.
      throw this.#broken('is no valid JSON')
    }
  }

  #broken(what: string, cause?: unknown): HttpError {
    const { request } = this.#origin
    const { attempt } = request
    return new HttpError('BODY', `Part ${this.number} of the answer to ${describe(request, attempt)} ${what}.`, {
      phase: 'decode',
      request,
      attempt,
      requestWritten: 'yes',
      cause,
    })
  }
}
