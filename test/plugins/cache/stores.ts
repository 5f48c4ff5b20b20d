/** Stores for tests. */
import { timer } from 'rxjs'
import type { CacheStore, MaybePromise } from 'sluice/plugins/cache'

/** A promise, as far as the cache looks, that is kept by the scheduler: it works in virtual time. */
export function soon<T>(make: () => MaybePromise<T>, ms = 1): PromiseLike<T> {
  const told: { value?: readonly [T]; error?: readonly [unknown] } = {}
  const waiting: (() => void)[] = []
  timer(ms).subscribe(() => {
    try {
      told.value = [make() as T]
    } catch (error) {
      told.error = [error]
    }
    for (const tell of waiting) tell()
  })
  const thenable = {
    then(fulfilled?: ((value: T) => unknown) | null, rejected?: ((reason: unknown) => unknown) | null): unknown {
      const tell = (): void => {
        if (told.value !== undefined) fulfilled?.(told.value[0])
        else rejected?.(told.error?.[0])
      }
      if (told.value === undefined && told.error === undefined) waiting.push(tell)
      else tell()
      return thenable
    },
  }
  return thenable as PromiseLike<T>
}

/** The same store, which takes its time for everything. */
export function later(store: CacheStore, ms = 1): CacheStore {
  return {
    list: key => soon(() => store.list(key), ms),
    begin: (key, variant, meta) =>
      soon(() => {
        const writer = store.begin(key, variant, meta)
        if (writer === undefined || 'then' in writer) return undefined
        return {
          write: bytes => soon(() => writer.write(bytes), ms),
          commit: () => soon(() => writer.commit(), ms),
          abort() {
            writer.abort()
          },
        }
      }, ms),
    update: (key, id, meta) => soon(() => store.update(key, id, meta), ms),
    remove: (key, id) => soon(() => store.remove(key, id), ms),
    clear: () => soon(() => store.clear(), ms),
  }
}
