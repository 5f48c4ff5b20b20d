/** A store as the cache uses it: whatever it does, no request fails for it, and none waits for long. */
import { clock } from '../../src/index.ts'
import type { CacheEntry, CacheMeta, CacheStore, CacheWriter, MaybePromise } from './store.ts'

/** How long a request waits for what a store has, in milliseconds: then the server is asked. */
export const PATIENCE = 1_000
/** How long a store may take to write, in milliseconds: then it is given up. */
const WRITING = 10_000

/** True for what comes later. */
export function isLater<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Runs `then` with a value, at once where it is there; with `instead` when it fails or does not come. Returns how to leave. */
export function wait<T>(value: MaybePromise<T>, instead: T, then: (value: T) => void): () => void {
  if (!isLater(value)) {
    then(value)
    return nothing
  }
  let over = false
  const settle = (settled: T): void => {
    if (over) return
    over = true
    stop()
    then(settled)
  }
  const stop = clock.schedule(() => {
    settle(instead)
  }, PATIENCE)
  value.then(settle, () => {
    settle(instead)
  })
  return () => {
    over = true
    stop()
  }
}

/** Asks a store and never throws. */
export class Careful {
  readonly #store: CacheStore
  /** What is still being written or removed, by key: whoever asks for the key waits for it, and sees what was done. */
  readonly #settling = new Map<string, Set<Promise<void>>>()

  constructor(store: CacheStore) {
    this.#store = store
  }

  list(key: string): MaybePromise<readonly CacheEntry[]> {
    const settling = this.#settling.size === 0 ? undefined : this.#settling.get(key)
    if (settling !== undefined) return Promise.all(settling).then(() => this.#list(key))
    return this.#list(key)
  }

  body(entry: CacheEntry): MaybePromise<Uint8Array | undefined> {
    const check = (bytes: unknown): Uint8Array | undefined =>
      bytes instanceof Uint8Array && bytes.length === entry.size ? bytes : undefined
    const found = attempt<unknown>(() => entry.body(), undefined)
    return isLater(found) ? Promise.resolve(found).then(check) : check(found)
  }

  begin(key: string, variant: string, meta: CacheMeta): MaybePromise<CacheWriter | undefined> {
    return attempt(() => this.#store.begin(key, variant, meta), undefined)
  }

  update(key: string, id: string, meta: CacheMeta): void {
    this.settle(
      key,
      attempt(() => this.#store.update(key, id, meta), undefined),
    )
  }

  remove(key: string, id?: string): void {
    this.settle(
      key,
      attempt(() => this.#store.remove(key, id), undefined),
    )
  }

  /** Remembers that something is being done about a key. It is given up after a while. */
  settle(key: string, work: MaybePromise<unknown>): void {
    if (!isLater(work)) return
    const set = this.#settling.get(key) ?? new Set()
    this.#settling.set(key, set)
    const done = new Promise<void>(resolve => {
      const stop = clock.schedule(resolve, WRITING)
      const end = (): void => {
        stop()
        resolve()
      }
      work.then(end, end)
    }).then(() => {
      set.delete(done)
      if (set.size === 0) this.#settling.delete(key)
    })
    set.add(done)
  }

  /** Resolves when nothing is being written any more and the store was told that its user has ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#settling.values()].flatMap(set => [...set]))
    await Promise.resolve(attempt(() => this.#store.close?.(), undefined)).catch(nothing)
  }

  #list(key: string): MaybePromise<readonly CacheEntry[]> {
    const found = attempt<unknown>(() => this.#store.list(key), undefined)
    return isLater(found) ? Promise.resolve(found).then(entriesOf) : entriesOf(found)
  }
}

function entriesOf(found: unknown): readonly CacheEntry[] {
  return Array.isArray(found) ? (found as readonly CacheEntry[]) : []
}

/** What `ask` gives, or `instead` when it throws. */
export function attempt<T>(ask: () => MaybePromise<T>, instead: T): MaybePromise<T> {
  try {
    return ask()
  } catch {
    return instead
  }
}

/** Does what may fail without anybody caring. */
export function quietly(work: () => MaybePromise<unknown>): void {
  const done = attempt(work, undefined)
  if (isLater(done)) done.then(nothing, nothing)
}

function nothing(): void {
  // Nothing to leave, and nobody to tell.
}
