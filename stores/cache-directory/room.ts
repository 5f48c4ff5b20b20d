/** How many bytes the entries of a folder may take, all processes together. */
import { rm } from 'node:fs/promises'
import { ignore } from './failures.ts'
import type { Places } from './places.ts'

/** What is left after making room, so that not every entry makes some. */
const KEPT = 0.9
/** What is written before the folder is counted anew: others write, too. */
const TRUSTED = 1 / 8

/** Removes what was not used for the longest time. */
export class Room {
  readonly #places: Places
  readonly #maxBytes: number
  /** How much there is, as far as this process knows; not known before it has counted. */
  #total = Infinity
  #written = 0
  #making: Promise<void> | undefined

  constructor(places: Places, maxBytes: number) {
    this.#places = places
    this.#maxBytes = maxBytes
  }

  /** Hears of a file that is gone. */
  left(bytes: number): void {
    this.#total -= bytes
  }

  /** Hears of a new file, and makes room if there is too much now. */
  async came(bytes: number): Promise<void> {
    this.#total += bytes
    this.#written += bytes
    if (this.#total <= this.#maxBytes && this.#written <= this.#maxBytes * TRUSTED) return
    // One that comes while room is made may not have been counted.
    while (this.#making !== undefined) await this.#making
    if (this.#total <= this.#maxBytes && this.#written <= this.#maxBytes * TRUSTED) return
    this.#making = this.#make().finally(() => (this.#making = undefined))
    await this.#making
  }

  async #make(): Promise<void> {
    this.#written = 0
    const all = await this.#places.all()
    let total = all.reduce((sum, { size }) => sum + size, 0)
    if (total > this.#maxBytes) {
      for (const { path, size } of all.toSorted((a, b) => a.used - b.used)) {
        if (total <= this.#maxBytes * KEPT) break
        // What cannot be removed stays, and the next one goes.
        await rm(path).then(() => (total -= size), ignore)
      }
    }
    this.#total = total
  }
}
