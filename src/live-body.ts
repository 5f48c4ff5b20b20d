/** A body that is read while it arrives: a small buffer between a pushing exchange and a pulling reader. */
import { shown } from './check.ts'
import type { Flow } from './events.ts'
import { HttpHeaders } from './headers.ts'

/** Bytes that may wait for the reader before the peer is held back. */
const HIGH_WATER = 256 * 1024
/** Bytes that may still wait when the peer is let go again. */
const LOW_WATER = 64 * 1024
/** What a chunk counts beside its bytes, so that a peer which sends single bytes is held back before they fill the memory. */
const PER_CHUNK = 128

/** How a body ended. */
type End = { readonly whole: true } | { readonly whole: false; readonly error: Error }

const WHOLE: End = { whole: true }

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
      this.#waiting -= chunk.length + PER_CHUNK
      if (this.#paused && this.#waiting <= LOW_WATER && this.#end === undefined) this.#resume()
      return Promise.resolve(chunk)
    }
    if (this.#discarded) return Promise.resolve(undefined)
    if (this.#end !== undefined) return settled(this.#end)
    const read = Promise.withResolvers<Uint8Array | undefined>()
    this.#reads.push(read)
    return read.promise
  }

  /** Gives up the rest: what still comes is held back at the peer. */
  discard(): void {
    this.#forget()
    if (this.#end !== undefined) return
    this.#discarded = true
    this.#pause()
    for (const read of this.#reads.splice(0)) read.resolve(undefined)
  }

  push(bytes: Uint8Array): void {
    if (this.#discarded || this.#end !== undefined) return
    const read = this.#reads.shift()
    if (read !== undefined) {
      read.resolve(bytes)
      return
    }
    this.#chunks.push(bytes)
    this.#waiting += bytes.length + PER_CHUNK
    if (this.#waiting >= HIGH_WATER) this.#pause()
  }

  /** Ends the body: it is whole. */
  finish(): void {
    if (this.#end !== undefined) return
    this.#end = WHOLE
    for (const read of this.#reads.splice(0)) read.resolve(undefined)
  }

  /** Ends the body before it is whole. */
  fail(reason: unknown): void {
    if (this.#end !== undefined) return
    this.#break(reason)
  }

  /** The call is over: whoever still reads must not take that for the end of the body. */
  abandon(reason: () => unknown): void {
    if (this.#end !== undefined && this.#chunks.length === 0) return
    this.#forget()
    this.#break(reason())
  }

  #break(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(`The body broke off: ${shown(reason)}.`)
    this.#end = { whole: false, error }
    for (const read of this.#reads.splice(0)) {
      // Who reads hears of it; a read that nobody awaits must not crash the process.
      read.promise.catch(ignore)
      read.reject(error)
    }
  }

  #forget(): void {
    this.#chunks.length = 0
    this.#waiting = 0
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

function settled(end: End): Promise<undefined> {
  if (end.whole) return Promise.resolve(undefined)
  const failed = Promise.reject<undefined>(end.error)
  failed.catch(ignore)
  return failed
}

function ignore(): void {
  // Heard by whoever reads.
}
