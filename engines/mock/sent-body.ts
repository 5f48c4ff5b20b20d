/** The body of a request as the mock took it. */
import { concat } from '../../src/index.ts'

const UTF8 = new TextDecoder()

/** What was sent as body of a request, so far; its readers can be called again and again. */
export class SentBody {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  /** How many bytes were taken. */
  get length(): number {
    return this.#length
  }

  /** The bytes as they were sent, one item a chunk: shows how an upload was cut. */
  get chunks(): readonly Uint8Array[] {
    return this.#chunks
  }

  /** All bytes; empty when there was no body. */
  get bytes(): Uint8Array {
    return concat(this.#chunks)
  }

  /** Reads the body as UTF-8. */
  text(): string {
    return UTF8.decode(this.bytes)
  }

  /** Reads the body as JSON. Throws a `SyntaxError` when it is none. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }

  /** For the engine: adds what was taken. */
  take(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }
}
