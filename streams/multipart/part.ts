/** One part of a body, whole or live. */
import type { HttpHeaders } from '../../src/index.ts'
import { charsetOf, decoder } from '../reading/charset.ts'
import { fault, type Origin } from '../reading/fault.ts'
import { extended, fileName, parametersOf } from './parameters.ts'

/** What is known of a part before its bytes. */
class PartHead {
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
  readonly #origin: Origin

  constructor({ number, headers }: PartHead, bytes: Uint8Array, origin: Origin) {
    super(number, headers)
    this.bytes = bytes
    this.#origin = origin
  }

  /** Reads it as text, by the charset of its own `Content-Type`, else UTF-8. Throws `BODY` for an unknown charset. */
  text(): string {
    return decoder(charsetOf(this.headers), { fatal: false, ignoreBOM: false }, this.#origin).decode(this.bytes)
  }

  /** Reads it as JSON. Throws `BODY` when it is none. */
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text()) as T
    } catch {
      // The parser's own message quotes the part, which may hold secrets.
      throw fault('BODY', this.#origin, `Part ${this.number} of`, 'is no valid JSON')
    }
  }
}

/** What a live part reads from. */
export interface PartSource {
  content(part: LivePart): Promise<Uint8Array | undefined>
  gather(part: LivePart): Promise<Part>
}

/** A part that is arriving. It lives until what the projector made of it has completed; what was not read then is skipped. */
export class LivePart extends PartHead implements AsyncIterable<Uint8Array> {
  readonly #source: PartSource

  constructor(number: number, headers: HttpHeaders, source: PartSource) {
    super(number, headers)
    this.#source = source
  }

  /** The next bytes of the part, `undefined` at its end. Not reading holds the server back. */
  read(): Promise<Uint8Array | undefined> {
    return this.#source.content(this)
  }

  /** Gathers what was not read yet; more than `maxPart` bytes fail with `TOO_LARGE`. */
  whole(): Promise<Part> {
    return this.#source.gather(this)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) yield bytes
  }
}
