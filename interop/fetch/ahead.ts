/** Reads a little ahead of whoever reads an answer: a short one is then over, and its connection free, also when nobody does. */
import type { StreamingResponse } from '../../src/index.ts'

/** So much is read before anyone asks. */
const AHEAD = 64 * 1024

/** What comes next of a body. */
export class ReadAhead {
  readonly #answer: StreamingResponse
  readonly #ended: () => void
  readonly #chunks: Uint8Array[] = []
  #waiting = 0
  #reading = false
  #end: { readonly error?: unknown } | undefined
  #asked: PromiseWithResolvers<Uint8Array | undefined> | undefined

  /** `ended` is called once, when there is nothing more to come from the peer. */
  constructor(answer: StreamingResponse, ended: () => void) {
    this.#answer = answer
    this.#ended = ended
    this.#read()
  }

  /** The next bytes, `undefined` at the end. One at a time. Rejects when the body breaks off, after all bytes before. */
  async next(): Promise<Uint8Array | undefined> {
    const bytes = this.#chunks.shift()
    if (bytes !== undefined) {
      this.#waiting -= bytes.length
      this.#read()
      return bytes
    }
    if (this.#end !== undefined) {
      if ('error' in this.#end) throw this.#end.error
      return undefined
    }
    this.#asked = Promise.withResolvers()
    return this.#asked.promise
  }

  #read(): void {
    if (this.#reading || this.#end !== undefined || this.#waiting >= AHEAD) return
    this.#reading = true
    this.#answer.read().then(
      bytes => {
        this.#reading = false
        if (bytes === undefined) this.#close({})
        else {
          this.#take(bytes)
          this.#read()
        }
      },
      (error: unknown) => {
        this.#close({ error })
      },
    )
  }

  #take(bytes: Uint8Array): void {
    const asked = this.#asked
    this.#asked = undefined
    if (asked !== undefined) {
      asked.resolve(bytes)
      return
    }
    this.#chunks.push(bytes)
    this.#waiting += bytes.length
  }

  #close(end: { readonly error?: unknown }): void {
    this.#end = end
    if ('error' in end) this.#asked?.reject(end.error)
    else this.#asked?.resolve(undefined)
    this.#ended()
  }
}
