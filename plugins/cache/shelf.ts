/** What all calls on one store have in common: what is kept, what is being fetched, what was overtaken. */
import { Subscription, type Unsubscribable } from 'rxjs'
import { clock, type HttpHeaders } from '../../src/index.ts'
import { Careful } from './careful.ts'
import type { Flight } from './flight.ts'
import { keptOf, type Kept } from './kept.ts'
import type { CacheEntry, CacheMeta, CacheStore } from './store.ts'
import { matches } from './vary.ts'

/** A kept answer and where it is. */
export interface Found {
  readonly entry: CacheEntry
  readonly kept: Kept
}

/** How many urls are remembered as overtaken, or as not worth waiting for. */
const MOST = 10_000

/** A store, and what runs around it. */
export class Shelf {
  readonly store: Careful
  /** What is being fetched in a way that others may wait for, by key. */
  readonly flights: Map<string, Flight> = new Map()
  /** Urls whose last answer was for one request alone: nobody waits for such. */
  readonly #alone = new Set<string>()
  readonly #background = new Map<string, Unsubscribable>()
  /** What has been read of the entries that are in memory. */
  readonly #read = new WeakMap<CacheMeta, Kept>()
  /** When urls were changed by a request of ours, as a turn and a time. */
  readonly #changed = new Map<string, { readonly turn: number; readonly at: number }>()
  #turn = 0
  #closed = false

  constructor(store: CacheStore) {
    this.store = new Careful(store)
  }

  /** The first of the entries that answers such a request, and whether there was any. */
  select(entries: readonly CacheEntry[], key: string, headers: HttpHeaders): Found | 'none' | 'others' {
    const changed = this.#changed.size === 0 ? undefined : this.#changed.get(key)
    let others = false
    for (const entry of entries) {
      const kept = this.#keptOf(entry, key)
      if (kept === undefined || (changed !== undefined && kept.meta.at < changed.at)) continue
      if (matches(kept.meta.vary, headers)) return { entry, kept }
      others = true
    }
    return others ? 'others' : 'none'
  }

  /** A moment, to ask later whether a url was changed since. */
  now(): number {
    return this.#turn
  }

  isChanged(key: string, since: number): boolean {
    return (this.#changed.get(key)?.turn ?? -1) >= since
  }

  /** Drops what is kept of a url, and what is on its way. */
  invalidate(key: string): void {
    remember(this.#changed, key)
    this.#changed.set(key, { turn: this.#turn++, at: clock.now() })
    this.flights.delete(key)
    this.store.remove(key)
  }

  isAlone(key: string): boolean {
    return this.#alone.has(key)
  }

  /** Remembers whether others could have used the last answer of a url. */
  mark(key: string, shareable: boolean): void {
    if (shareable) this.#alone.delete(key)
    else if (!this.#alone.has(key)) {
      remember(this.#alone, key)
      this.#alone.add(key)
    }
  }

  /** Begins work that belongs to no call, unless there is such work for the key. It ends with the client. */
  inBackground(key: string, begin: (done: () => void) => Unsubscribable): void {
    if (this.#closed || this.#background.has(key) || this.flights.has(key)) return
    const held = new Subscription(() => this.#background.delete(key))
    this.#background.set(key, held)
    held.add(begin(() => held.unsubscribe()))
  }

  /** Ends what runs in the background and waits for what is being written. */
  close(): Promise<void> {
    this.#closed = true
    for (const work of [...this.#background.values()]) work.unsubscribe()
    this.#background.clear()
    return this.store.close()
  }

  #keptOf(entry: CacheEntry | undefined, key: string): Kept | undefined {
    const meta = entry?.meta
    if (typeof meta !== 'object' || (meta as object | null) === null) return undefined
    const known = this.#read.get(meta)
    if (known !== undefined) return known.meta.key === key ? known : undefined
    const kept = keptOf(meta, key)
    if (kept !== undefined) this.#read.set(meta, kept)
    return kept
  }
}

/** Makes room for one more. */
function remember(memory: Map<string, unknown> | Set<string>, key: string): void {
  memory.delete(key)
  if (memory.size < MOST) return
  for (const oldest of memory.keys()) {
    memory.delete(oldest)
    return
  }
}
