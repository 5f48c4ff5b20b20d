/** The body of a request as it comes on a stream: taken on demand, and the client may send as much more as was taken. */
import { Gone } from '../gone.ts'
import type { Incoming } from '../wire.ts'

/** Holds what came on one stream and was not taken yet. One reader at a time. */
export class StreamInlet implements Incoming {
  readonly #taken: (bytes: number) => void
  #unread: Buffer[] = []
  #size = 0
  #held = false
  #swallowing = false
  #over: 'ended' | 'broken' | undefined
  #wake: (() => void) | undefined
  trailers: readonly string[] = []

  /** `taken` is told how many bytes the client may send more. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken
  }

  push(bytes: Buffer): void {
    if (this.#swallowing) this.#taken(bytes.length)
    else {
      this.#unread.push(bytes)
      this.#size += bytes.length
    }
    this.#wake?.()
  }

  end(how: 'ended' | 'broken'): void {
    this.#over ??= how
    this.#wake?.()
  }

  hold(): void {
    this.#held = true
  }

  flow(): void {
    this.#held = false
    this.#wake?.()
  }

  swallow(): void {
    this.#swallowing = true
    this.#taken(this.#size)
    this.#unread = []
    this.#size = 0
    this.flow()
  }

  async take(max: number = Infinity): Promise<Buffer | undefined> {
    while (this.#held || this.#size === 0) {
      if (this.#over === 'broken') throw new Gone()
      if (this.#over === 'ended' && this.#size === 0) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    const [first] = this.#unread
    if (first === undefined) return undefined
    const bytes = first.subarray(0, max)
    if (bytes.length === first.length) this.#unread.shift()
    else this.#unread[0] = first.subarray(bytes.length)
    this.#size -= bytes.length
    this.#taken(bytes.length)
    return bytes
  }

  takeThrough(): Promise<never> {
    return Promise.reject(new Error('a stream has no lines'))
  }
}
