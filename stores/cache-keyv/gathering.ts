/** An entry that is gathered until it is whole. */
import { concat } from '../../src/index.ts'
import type { CacheWriter } from '../../plugins/cache.ts'

/** Keeps what was gathered, as long as it is wanted; `body` is asked when it is its turn. */
export type Keep = (body: () => Uint8Array, isWanted: () => boolean) => Promise<void>

/** Gathers in memory: a Keyv takes values in one piece. */
export class Gathering implements CacheWriter {
  readonly #most: number
  readonly #keep: Keep
  #pieces: Uint8Array[] = []
  #size = 0
  #state: 'open' | 'committing' | 'over' = 'open'

  constructor(most: number, keep: Keep) {
    this.#most = most
    this.#keep = keep
  }

  write(bytes: Uint8Array): void {
    this.#check()
    this.#size += bytes.length
    if (this.#size > this.#most) {
      this.abort()
      throw new RangeError(`the body is larger than ${this.#most} bytes`)
    }
    this.#pieces.push(bytes)
  }

  async commit(): Promise<void> {
    this.#check()
    this.#state = 'committing'
    await this.#keep(
      () => this.#take(),
      () => this.#state === 'committing',
    )
    this.#state = 'over'
  }

  abort(): void {
    this.#state = 'over'
    this.#pieces = []
  }

  /** Held in one place only: a Keyv that hangs must not hold what was given up meanwhile. */
  #take(): Uint8Array {
    const body = concat(this.#pieces)
    this.#pieces = []
    return body
  }

  #check(): void {
    if (this.#state !== 'open') throw new Error('this entry was committed or given up already')
  }
}
