/** Pulling chunks from what a user gave. */
import type { UploadIterator } from './upload.ts'

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }
const encoder = new TextEncoder()

/** Pulls chunks until they end, or until nobody wants them any more: then at once, and exactly once. */
export class Pull implements UploadIterator {
  readonly #pull: () => Promise<IteratorResult<unknown, unknown>>
  readonly #stop: () => void
  #ended = false
  #leave: ((end: typeof END) => void) | undefined

  constructor(pull: () => Promise<IteratorResult<unknown, unknown>>, stop: () => void) {
    this.#pull = pull
    this.#stop = stop
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#ended) return Promise.resolve(END)
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    this.#leave = resolve
    this.#step().then(resolve, reject)
    return promise
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#end()
    this.#leave?.(END)
    return Promise.resolve(END)
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    try {
      this.#stop()
    } catch {
      // The source was given up; how it takes that is its own affair.
    }
  }

  async #step(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const { done, value } = await this.#pull()
      if (done !== true) return this.#give(value)
      this.#ended = true
      return END
    } catch (error) {
      this.#ended = true
      throw error
    }
  }

  #give(value: unknown): IteratorResult<Uint8Array, undefined> {
    try {
      return { done: false, value: toBytes(value) }
    } catch (error) {
      this.#end()
      throw error
    }
  }
}

/** Takes what a source produced as bytes. Throws a `TypeError` for what is none. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return encoder.encode(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.byteLength)
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  throw new TypeError(
    `A body source produced ${chunk === null ? 'null' : `a value of type ${typeof chunk}`} where bytes or text were expected.`,
  )
}
