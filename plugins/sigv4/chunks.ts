/** Bodies in chunks of which each is signed, after the one before it (STREAMING-AWS4-HMAC-SHA256-PAYLOAD). */
import { hmac } from '#hashing'
import { concat, type UploadIterator, type UploadSource } from '../../src/index.ts'
import { hex, sha256Hex } from './hex.ts'

/** What stands in `x-amz-content-sha256` for such a body. */
export const STREAMING = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'

/** The bytes of a chunk, all but the last one. S3 wants 8 KiB at least. */
const CHUNK = 64 * 1024

/** What the signatures of chunks are made of. */
export interface Seed {
  readonly key: Uint8Array
  readonly date: string
  readonly scope: string
  /** That of the request. */
  readonly signature: string
}

/** How long a body gets by its chunks: each has its length in hexadecimal, its signature and two line ends. */
export function chunkedLength(length: number): number {
  const whole = Math.floor(length / CHUNK)
  const rest = length % CHUNK
  return whole * framed(CHUNK) + (rest === 0 ? 0 : framed(rest)) + framed(0)
}

function framed(size: number): number {
  return size.toString(16).length + ';chunk-signature='.length + 64 + 2 + size + 2
}

/** The same body in signed chunks, pulled as the engine asks for them. */
export function chunked(source: UploadSource, length: number, seed: Seed): UploadSource {
  return {
    length: chunkedLength(length),
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    open: () => new Chunking(source.open(), seed),
  }
}

const encoder = new TextEncoder()
const LINE_END = encoder.encode('\r\n')
const NOTHING = new Uint8Array(0)
const EMPTY_HASH = sha256Hex(NOTHING)
const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

class Chunking implements UploadIterator {
  readonly #source: UploadIterator
  readonly #seed: Seed
  #signature: string
  /** Taken from the source and not sent yet. */
  #parts: Uint8Array[] = []
  #size = 0
  #ended = false
  #closed = false

  constructor(source: UploadIterator, seed: Seed) {
    this.#source = source
    this.#seed = seed
    this.#signature = seed.signature
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.#ended && this.#size < CHUNK) {
      const step = await this.#source.next()
      if (step.done) this.#ended = true
      else if (step.value.length > 0) {
        this.#parts.push(step.value)
        this.#size += step.value.length
      }
    }
    if (this.#closed) return END
    if (this.#size > 0) return { done: false, value: this.#chunk(this.#take()) }
    this.#closed = true
    return { done: false, value: this.#chunk(NOTHING) }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#closed = true
    this.#parts = []
    this.#size = 0
    return this.#ended ? Promise.resolve(END) : this.#source.return()
  }

  /** The bytes of the next chunk. */
  #take(): Uint8Array {
    const all = concat(this.#parts)
    const taken = all.subarray(0, CHUNK)
    const rest = all.subarray(CHUNK)
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    return taken
  }

  #chunk(bytes: Uint8Array): Uint8Array {
    const { key, date, scope } = this.#seed
    const toSign = `AWS4-HMAC-SHA256-PAYLOAD\n${date}\n${scope}\n${this.#signature}\n${EMPTY_HASH}\n${sha256Hex(bytes)}`
    this.#signature = hex(hmac('sha-256', key, encoder.encode(toSign)))
    const head = encoder.encode(`${bytes.length.toString(16)};chunk-signature=${this.#signature}\r\n`)
    return concat([head, bytes, LINE_END])
  }
}
