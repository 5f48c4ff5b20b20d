/** The shelves of one client: one for each store its calls have used. */
import { memoryCache } from './memory.ts'
import { Shelf } from './shelf.ts'
import type { CacheStore } from './store.ts'

/** Holds no store that nobody else holds: calls may each have their own. */
export class Shelves {
  readonly #maxBytes: number
  readonly #shelves = new WeakMap<CacheStore, Shelf>()
  /** Those to be closed with the client, as far as they are still there. */
  readonly #open = new Set<WeakRef<Shelf>>()
  #own: CacheStore | undefined
  /** How many there may be before those that are gone are dropped. */
  #most = 16

  /** `maxBytes` bounds the store that is made when none is given. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  of(given: CacheStore | undefined): Shelf {
    const store = given ?? (this.#own ??= memoryCache({ maxBytes: this.#maxBytes }))
    return this.#shelves.get(store) ?? this.#add(store)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map(async shelf => shelf.deref()?.close()))
  }

  #add(store: CacheStore): Shelf {
    const shelf = new Shelf(store)
    this.#shelves.set(store, shelf)
    if (this.#open.size >= this.#most) {
      for (const one of this.#open) if (one.deref() === undefined) this.#open.delete(one)
      this.#most = Math.max(16, this.#open.size * 2)
    }
    this.#open.add(new WeakRef(shelf))
    return shelf
  }
}
