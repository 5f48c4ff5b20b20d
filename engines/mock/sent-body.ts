/** The body of a request as the mock took it. */
import { concat } from '../../src/index.ts'

const UTF8 = new TextDecoder()

/** What was sent as body of a request, so far; its readers can be called again and again. */
export interface SentBody {
  /** How many bytes were taken. */
  readonly length: number
  /** The bytes as they came, one item a chunk: shows how an upload was cut. */
  readonly chunks: readonly Uint8Array[]
  /** All bytes; empty when there was no body. */
  readonly bytes: Uint8Array
  /** Reads the body as UTF-8. */
  text(): string
  /** Reads the body as JSON. Throws a `SyntaxError` when it is none. */
  json<T = unknown>(): T
}

/** A body that is being taken. */
export class TakenBody implements SentBody {
  readonly chunks: Uint8Array[] = []
  length = 0

  take(bytes: Uint8Array): void {
    this.chunks.push(bytes)
    this.length += bytes.length
  }

  get bytes(): Uint8Array {
    return concat(this.chunks)
  }

  text(): string {
    return UTF8.decode(this.bytes)
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }
}
