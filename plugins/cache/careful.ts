/** A store as the cache uses it: whatever it does, no request fails for it, and none waits for long. */
import { clock } from '../../src/index.ts'
import type { CacheEntry, CacheMeta, CacheStore, CacheWriter, MaybePromise } from './store.ts'

/** How long a request waits for what a store has, in milliseconds: then the server is asked. */
const PATIENCE = 1_000
/** How long a store may take to write, in milliseconds: then it is given up. */
const WRITING = 10_000
/** How long a store that made somebody wait in vain is left alone, in milliseconds: not everybody shall wait. */
const REST = 10_000

/** How to stop waiting. */
export type Leave = () => void

/** True for what comes later. */
export function isLater<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** Something that is being done about a key, and who waits for it. */
type Work = Set<() => void>

/** Asks a store and never throws. Callbacks are run at once where the store answers at once. */
export class Careful {
  readonly #store: CacheStore
  /** What is still being written or removed, by key: whoever asks for the key waits for it, and sees what was done. */
  readonly #settling = new Map<string, Set<Work>>()
  /** Until when it is left alone. */
  #rests = -Infinity

  constructor(store: CacheStore) {
    this.#store = store
  }

  /** The entries of a key; none when the store fails or hangs. */
  list(key: string, then: (entries: readonly CacheEntry[]) => void): Leave {
    if (this.#isResting()) {
      then(NONE)
      return nothing
    }
    if (this.#settling.size === 0 || !this.#settling.has(key)) return this.#list(key, then)
    let leave: Leave = nothing
    const stop = this.#settled(key, PATIENCE, () => {
      leave = this.#list(key, then)
    })
    return () => {
      stop()
      leave()
    }
  }

  /** The body of an entry; `undefined` for one that cannot be had as it was kept. */
  body(entry: CacheEntry, then: (bytes: Uint8Array | undefined) => void): Leave {
    const found = attempt<unknown>(() => entry.body(), undefined)
    return this.#wait(found, bytes => {
      then(bytes instanceof Uint8Array && bytes.length === entry.size ? bytes : undefined)
    })
  }

  begin(key: string, variant: string, meta: CacheMeta): MaybePromise<CacheWriter | undefined> {
    return this.#isResting() ? undefined : attempt(() => this.#store.begin(key, variant, meta), undefined)
  }

  update(key: string, id: string, meta: CacheMeta): void {
    this.#settle(
      key,
      attempt(() => this.#store.update(key, id, meta), undefined),
    )
  }

  remove(key: string, id?: string): void {
    this.#settle(
      key,
      attempt(() => this.#store.remove(key, id), undefined),
    )
  }

  /** Remembers that something is being done about a key, until the returned function is called, or for too long: then `giveUp` is. */
  settling(key: string, giveUp: () => void): () => void {
    const work: Work = new Set()
    const works = this.#settling.get(key) ?? new Set()
    this.#settling.set(key, works.add(work))
    const done = (): void => {
      stop()
      works.delete(work)
      if (works.size === 0 && this.#settling.get(key) === works) this.#settling.delete(key)
      for (const tell of [...work]) tell()
    }
    const stop = clock.schedule(() => {
      this.#rests = clock.now() + REST
      giveUp()
      done()
    }, WRITING)
    return done
  }

  /** Resolves when nothing is being written any more and the store was told that its user has ended, or when that takes too long. */
  close(): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        wait<unknown>(
          attempt(() => this.#store.close?.(), undefined),
          WRITING,
          () => {
            resolve()
          },
          nothing,
        )
      }
      const keys = [...this.#settling.keys()]
      let left = keys.length
      if (left === 0) end()
      for (const key of keys) {
        this.#settled(key, WRITING, () => {
          if (--left === 0) end()
        })
      }
    })
  }

  #settle(key: string, done: MaybePromise<unknown>): void {
    if (!isLater(done)) return
    const end = this.settling(key, nothing)
    done.then(end, end)
  }

  /** Waits until nothing is done about a key any more, for `ms` at most. */
  #settled(key: string, ms: number, then: () => void): Leave {
    const works = [...(this.#settling.get(key) ?? [])]
    let left = works.length
    const leave = (): void => {
      stop()
      for (const work of works) work.delete(tell)
    }
    const tell = (): void => {
      if (--left > 0) return
      leave()
      then()
    }
    const stop = clock.schedule(() => {
      leave()
      then()
    }, ms)
    for (const work of works) work.add(tell)
    return leave
  }

  #list(key: string, then: (entries: readonly CacheEntry[]) => void): Leave {
    const found = attempt<unknown>(() => this.#store.list(key), undefined)
    return this.#wait(found, entries => {
      then(Array.isArray(entries) ? (entries as readonly CacheEntry[]) : NONE)
    })
  }

  #wait<T>(value: MaybePromise<T>, then: (value: T | undefined) => void): Leave {
    return wait(value, PATIENCE, then, () => {
      this.#rests = clock.now() + REST
    })
  }

  #isResting(): boolean {
    return this.#rests !== -Infinity && clock.now() < this.#rests
  }
}

const NONE: readonly CacheEntry[] = []

/** Runs `then` with a value, at once where it is there; with nothing when it fails or, after `late`, when it does not come in time. */
function wait<T>(value: MaybePromise<T>, ms: number, then: (value: T | undefined) => void, late: () => void): Leave {
  if (!isLater(value)) {
    then(value)
    return nothing
  }
  let over = false
  const leave = (): void => {
    over = true
    stop()
  }
  const settle = (settled?: T): void => {
    if (over) return
    leave()
    then(settled)
  }
  const stop = clock.schedule(() => {
    late()
    settle()
  }, ms)
  value.then(settle, () => {
    settle()
  })
  return leave
}

/** What `ask` gives, or `instead` when it throws. */
function attempt<T>(ask: () => MaybePromise<T>, instead: T): MaybePromise<T> {
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
