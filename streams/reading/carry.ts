/** The beginning of something whose end has not come yet. */

const LEAST = 1024

/** Collects bytes by copying them: however small the pieces, it takes no more than twice their size, and keeps no chunk alive. */
export class Carry {
  length = 0
  #bytes = new Uint8Array(0)

  add(bytes: Uint8Array): void {
    const length = this.length + bytes.length
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(LEAST, length, Math.min(this.#bytes.length * 2, length + 16 * 1024 * 1024)))
      grown.set(this.#bytes.subarray(0, this.length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.length)
    this.length = length
  }

  /** The last byte; `undefined` when there is none. */
  get last(): number | undefined {
    return this.length === 0 ? undefined : this.#bytes[this.length - 1]
  }

  /** Everything collected so far, to be used before anything more is added. */
  peek(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  /** Everything collected, to be used before anything more is added. It is empty then. */
  take(): Uint8Array {
    const taken = this.peek()
    this.length = 0
    // What one long item needed is not kept for all the short ones.
    if (this.#bytes.length > 64 * LEAST) this.#bytes = new Uint8Array(0)
    return taken
  }
}
