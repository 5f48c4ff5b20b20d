/** What all calls on one store have in common: what is kept, what is being fetched, what was overtaken. */
import { Subscription, type Unsubscribable } from 'rxjs'
import type { HttpRequest } from '../../src/index.ts'
import { Careful } from './careful.ts'
import { changesOf, type Changes } from './changes.ts'
import type { Flight } from './flight.ts'
import { keptOf, type Kept } from './kept.ts'
import type { CacheEntry, CacheMeta, CacheStore } from './store.ts'
import { matches } from './vary.ts'

/** A kept answer and where it is. */
export interface Found {
  readonly entry: CacheEntry
  readonly kept: Kept
}

/** How many urls are remembered as not worth waiting for. */
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
  readonly #changes: Changes
  #closed = false

  constructor(store: CacheStore) {
    this.store = new Careful(store)
    this.#changes = changesOf(store)
  }

  /** The first of the entries that answers such a request, and whether there was any. */
  select(entries: readonly CacheEntry[], key: string, { url, headers }: HttpRequest): Found | 'none' | 'others' {
    let others = false
    for (const entry of entries) {
      const kept = this.#keptOf(entry, key)
      if (kept === undefined || this.#changes.overtook(url, kept.meta.at)) continue
      if (matches(kept.meta.vary, headers)) return { entry, kept }
      others = true
    }
    return others ? 'others' : 'none'
  }

  /** A moment, to ask later whether a url was changed since. */
  now(): number {
    return this.#changes.now
  }

  isChanged(url: string, since: number): boolean {
    return this.#changes.since(url, since)
  }

  /** Drops what is kept of a url, and what is on its way: in every partition, and of everybody who uses the store here (RFC 9111 §4.4). */
  invalidate(key: string, url: string): void {
    this.#changes.note(url)
    this.store.remove(key)
  }

  /** What is being fetched and can still be waited for. */
  flight(key: string): Flight | undefined {
    const flight = this.flights.get(key)
    if (flight === undefined || !this.isChanged(flight.url, flight.since)) return flight
    this.flights.delete(key)
    return undefined
  }

  isAlone(key: string): boolean {
    return this.#alone.has(key)
  }

  /** Remembers whether others could have used the last answer of a url. */
  mark(key: string, shareable: boolean): void {
    if (shareable) this.#alone.delete(key)
    else if (!this.#alone.has(key)) {
      makeRoom(this.#alone)
      this.#alone.add(key)
    }
  }

  /** Begins work that belongs to no call, unless there is such work for the key. It ends with the client. */
  inBackground(key: string, begin: (done: () => void) => Unsubscribable): void {
    if (this.#closed || this.#background.has(key) || this.flight(key) !== undefined) return
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
function makeRoom(memory: Set<string>): void {
  if (memory.size < MOST) return
  for (const oldest of memory) {
    memory.delete(oldest)
    return
  }
}
