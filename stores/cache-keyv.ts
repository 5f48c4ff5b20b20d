/** Keeps answers in whatever Keyv can reach. */
import type { CacheStore } from '../plugins/cache.ts'
import { config, shown } from '../src/index.ts'
import { Shelves, type KeyvLike } from './cache-keyv/shelves.ts'
import { bytesOf, optionsOf } from './keeping/checked.ts'

export type { KeyvLike } from './cache-keyv/shelves.ts'

/** How much one entry may take. */
export interface CacheKeyvOptions {
  /** The most bytes the body of one entry may have; it is kept as base64, which takes a third more. Default: 8388608 (8 MiB). */
  readonly maxEntry?: number | undefined
}

const DEFAULTS: CacheKeyvOptions = { maxEntry: 8 * 1024 * 1024 }

/**
 * Keeps the answers of `cache` in a [Keyv](https://keyv.org): Redis, a database, a file, whatever it has an adapter for. It is given the
 * Keyv; nothing of it is imported, and anything with its `get`, `set` and `delete` will do.
 *
 * Values are strings, so that any serializer and adapter can keep them. Each has a checksum; one that is not as it was written was
 * never kept. It is kept as long as it is useful at most (a year at most), and gone earlier where Keyv or its adapter drops it: bounding the whole is
 * their business; of one url the 32 answers kept last stay. Keys are hashes and begin with `sluice-cache:1:`. Give it a Keyv with a namespace of its own: `clear()` is Keyv's
 * and removes all that is in it. What Keyv refuses counts as not kept; it tells of it by its event `error`. Do not use it for large
 * bodies: each is gathered in memory and written in one piece.
 *
 * Keyv can change one value at a time. An answer is therefore first kept and then entered into the list of its url; where two
 * processes do that for the same url in the same moment, one of the two may be lost, and is asked for again. It never happens within one
 * process, and nobody is ever given half an answer, or that to another request.
 *
 * Throws `CONFIG` for what is no Keyv and for a size that is not above 0. `clear()` rejects with it where Keyv has none.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { cache } from 'sluice/plugins/cache'
 * import { cacheKeyv } from 'sluice/stores/cache-keyv'
 *
 * const values = new Map<string, unknown>() // in life: new Keyv(new KeyvRedis('redis://…'), { namespace: 'answers' })
 * const store = cacheKeyv({
 *   get: key => values.get(key),
 *   set: (key, value) => values.set(key, value),
 *   delete: key => values.delete(key),
 * })
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: recommended(cache({ store })) })
 * client.get('users/7').subscribe(response => console.log(response.status)) // 200
 * await client.close()
 * ```
 */
export function cacheKeyv(keyv: KeyvLike, options: CacheKeyvOptions = {}): CacheStore {
  const { maxEntry } = optionsOf('cacheKeyv', options, DEFAULTS)
  const given = keyv as Partial<KeyvLike> | null | undefined
  if (![given?.get, given?.set, given?.delete].every(method => typeof method === 'function')) {
    throw config(`cacheKeyv() must be given a Keyv, or what has its get, set and delete, not ${shown(keyv)}.`)
  }
  return new Shelves(keyv, bytesOf('cacheKeyv', 'maxEntry', maxEntry))
}
