/** What keeps cookies beyond a process, and what stands between it and a jar. */
import type { Check, Cookie } from '../../src/index.ts'

/** One thing that happened to a cookie. */
export interface CookieChange {
  /** As it is now; when it was removed, as it was. A cookie is the same as another of its name, domain, path and `hostOnly`. */
  readonly cookie: Cookie
  readonly removed: boolean
}

/**
 * Keeps cookies beyond a process. `cookieFile` of `sluice/stores/cookie-file` is one; two functions around any data base make
 * another. It is asked for one thing at a time.
 */
export interface CookieStore {
  /** Gives what was kept. Asked once, by the first request; asked again when that failed. */
  readonly load: () => PromiseLike<readonly Cookie[]> | readonly Cookie[]
  /** Keeps what has changed, each cookie once. When it fails, the same is given again with the next change. */
  readonly save: (changes: readonly CookieChange[]) => PromiseLike<void> | void
}

/** Wants a store. */
export const aStore: Check = value => {
  const { load, save } = Object(value) as Partial<CookieStore>
  return typeof load === 'function' && typeof save === 'function'
    ? undefined
    : 'a store with load() and save(), such as cookieFile(path)'
}

/** Says what makes two cookies the same. */
function keyOf({ name, domain, path, hostOnly }: Cookie): string {
  return JSON.stringify([domain, path, name, hostOnly])
}

/** Gives changes to a store, in batches, one after the other, while nobody waits. */
export class Saving {
  readonly #store: CookieStore
  #waiting = new Map<string, CookieChange>()
  #running: Promise<void> | undefined
  /** Why the last attempt failed; gone when one succeeds. */
  failure: { readonly cause: unknown } | undefined

  constructor(store: CookieStore) {
    this.#store = store
  }

  add(change: CookieChange): void {
    this.#waiting.set(keyOf(change.cookie), change)
    this.#run().catch(() => undefined) // It is in `failure`.
  }

  /** Resolves when everything is kept; fails with what the store fails with. */
  async settle(): Promise<void> {
    await this.#running?.catch(() => undefined)
    if (this.#waiting.size > 0) await this.#run()
  }

  #run(): Promise<void> {
    return (this.#running ??= this.#save())
  }

  async #save(): Promise<void> {
    // What one answer sets is one batch.
    await Promise.resolve()
    while (this.#waiting.size > 0) {
      const batch = this.#waiting
      this.#waiting = new Map()
      try {
        await this.#store.save([...batch.values()])
        this.failure = undefined
      } catch (cause) {
        this.failure = { cause }
        for (const [key, change] of this.#waiting) batch.set(key, change)
        this.#waiting = batch
        this.#running = undefined
        throw cause
      }
    }
    // In the same turn as the last look, so that nothing comes in between.
    this.#running = undefined
  }
}
