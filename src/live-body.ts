/** A body that is read while it arrives: a small buffer between a pushing exchange and a pulling reader. */
import type { Flow } from './events.ts'
import { HttpHeaders } from './headers.ts'

/** Bytes that may wait for the reader before the peer is held back. */
const HIGH_WATER = 256 * 1024
/** Bytes that may still wait when the peer is let go again. */
const LOW_WATER = 64 * 1024

type End = { readonly error?: unknown }

/** Buffers what an exchange pushes until it is read; holds the exchange back while too much is waiting. */
export class LiveBody {
  /** Header fields that came after the body. */
  trailers: HttpHeaders = HttpHeaders.none
  readonly #flow: Flow
  readonly #chunks: Uint8Array[] = []
  readonly #reads: PromiseWithResolvers<Uint8Array | undefined>[] = []
  #waiting = 0
  #paused = false
  #end: End | undefined
  #discarded = false

  constructor(flow: Flow) {
    this.#flow = flow
  }

  /** The next bytes, `undefined` at the end. Rejects with what broke the exchange, after all bytes before it. */
  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#waiting -= chunk.length
      if (this.#paused && this.#waiting <= LOW_WATER && this.#end === undefined) this.#resume()
      return Promise.resolve(chunk)
    }
    if (this.#end !== undefined || this.#discarded) return settled(this.#end)
    const read = Promise.withResolvers<Uint8Array | undefined>()
    this.#reads.push(read)
    return read.promise
  }

  /** Gives up the rest: what still comes is held back at the peer. */
  discard(): void {
    this.#discarded = true
    this.#chunks.length = 0
    this.#waiting = 0
    this.#pause()
    for (const read of this.#reads.splice(0)) read.resolve(undefined)
  }

  push(bytes: Uint8Array): void {
    if (this.#discarded) return
    const read = this.#reads.shift()
    if (read !== undefined) {
      read.resolve(bytes)
      return
    }
    this.#chunks.push(bytes)
    this.#waiting += bytes.length
    if (this.#waiting >= HIGH_WATER) this.#pause()
  }

  /** Ends the body, with an error if it is not whole. */
  finish(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    for (const read of this.#reads.splice(0)) settled(end).then(read.resolve, read.reject)
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#flow.pause()
  }

  #resume(): void {
    this.#paused = false
    this.#flow.resume()
  }
}

function settled(end: End | undefined): Promise<undefined> {
  return end !== undefined && 'error' in end ? Promise.reject(asError(end.error)) : Promise.resolve(undefined)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
