/** What waits to be sent while there is no connection. */
import { sizeOf } from './codec.ts'

/** A message on its way out, and who wants to know when it is out. */
export interface Letter {
  readonly data: string | Uint8Array
  readonly taken: (() => void) | undefined
}

/** Messages in the order in which they were given, and a goodbye behind them. */
export class Outbox {
  #letters: Letter[] = []
  #size = 0
  /** Said when all else was; nothing is taken any more once it is there. */
  goodbye: { readonly code: number; readonly reason: string } | undefined

  /** Bytes that wait. */
  get size(): number {
    return this.#size
  }
  /** How many messages that are. */
  get count(): number {
    return this.#letters.length
  }
  get empty(): boolean {
    return this.#letters.length === 0
  }

  push(letter: Letter): void {
    this.#letters.push(letter)
    this.#size += sizeOf(letter.data)
  }

  /** Takes everything out. */
  take(): readonly Letter[] {
    const letters = this.#letters
    this.#letters = []
    this.#size = 0
    return letters
  }
}
