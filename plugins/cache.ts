/** Keeps answers and uses them again, as far as the server allows. */
import {
  callback,
  count,
  definePlugin,
  derived,
  flag,
  milliseconds,
  optional,
  type Check,
  type PluginFactory,
} from '../src/index.ts'
import { Cached } from './cache/cached.ts'
import type { Policy } from './cache/keeping.ts'
import type { CacheOptions } from './cache/options.ts'
import { Partition } from './cache/partition.ts'
import { Shelves } from './cache/shelves.ts'

export { memoryCache, type MemoryCache, type MemoryCacheOptions } from './cache/memory.ts'
export type { CacheOptions } from './cache/options.ts'
export type { CacheEntry, CacheMeta, CacheStore, CacheWriter, MaybePromise } from './cache/store.ts'

const defaults: CacheOptions = {
  shared: false,
  store: undefined,
  maxBytes: 64 * 1024 * 1024,
  maxEntry: 8 * 1024 * 1024,
  partition: undefined,
  heuristic: 0.1,
  staleIfError: 0,
}

const fraction: Check = value =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a number from 0 to 1'
const store: Check = value =>
  ['list', 'begin', 'update', 'remove', 'clear'].every(
    name => typeof (value as Readonly<Record<string, unknown>> | null)?.[name] === 'function',
  )
    ? undefined
    : 'a store such as memoryCache()'

/**
 * Keeps answers and uses them again, as far as the server allows: an HTTP cache (RFC 9111) for one user's client, or with `shared: true`
 * for many users. What is fresh is answered at once; what is stale is confirmed by a conditional request. `stale-while-revalidate`
 * and `stale-if-error` (RFC 5861), `immutable` (RFC 8246) and the directives of requests are kept; requests for one thing at one time
 * wait for one answer; `POST` and the like drop what is kept of their url. Every answer says in `Cache-Status` (RFC 9211) what was done;
 * notices, also in `client.monitor`, tell of it: `hit`, `stale`, `miss`, `validating`, `revalidated`, `collapsed`, `not kept`, `invalidated`.
 *
 * Kept are whole answers to `GET` that came to their end and were decoded, up to 8 MiB each and 64 MiB in all; also those of
 * `client.stream`, while they are read; compressed ones where `decode` decodes them, and not where the platform does. What cannot be understood in `Cache-Control` is not kept. Answers to requests with different
 * credentials are kept apart; those with `private` or `Set-Cookie` are not kept in a shared cache. A store that fails or
 * hangs costs an answer from it, never a request.
 *
 * Do not use it for a server whose `Cache-Control` is wrong, which only the server can repair, and not in a browser, which has one. To
 * let requests share an answer only while it is on its way, use `dedupe`.
 *
 * It stands inside of what puts cookies and credentials on a request: it has to see in whose name it goes.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { cache } from 'sluice/plugins/cache'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: recommended(cache({ staleIfError: 60_000 })) })
 * client.get('catalog').subscribe(() => {
 *   client.get('catalog').subscribe(({ headers }) => console.log(headers.get('age'))) // 0
 * })
 * ```
 */
export const cache: PluginFactory<'cache', CacheOptions> = definePlugin({
  name: 'cache',
  scope: 'attempt',
  inside: {
    cookies: 'cookies are put on before the cache is asked: it has to see whose answer it keeps',
    xsrf: 'what a request carries is put on before the cache is asked',
    userAgent: 'what a request carries is put on before the cache is asked: an answer may vary by it',
    dedupe: 'requests that wait for each other ask the cache once',
  },
  defaults,
  check: {
    shared: flag,
    store: optional(store),
    maxBytes: count,
    maxEntry: count,
    partition: optional(callback),
    heuristic: fraction,
    staleIfError: milliseconds,
  },
  install: ({ onClose, engine }, { maxBytes }) => {
    const credentials = new Partition()
    const hidesCookies = engine.capabilities.reserves?.includes('cookies') === true
    const policy = derived(({ shared, heuristic, staleIfError, partition }: CacheOptions): Policy => ({
      shared,
      heuristic,
      staleIfError,
      credentials,
      hidesCookies,
      partitioned: partition !== undefined,
    }))
    const shelves = new Shelves(maxBytes)
    onClose(() => shelves.close())
    return (request, next, options) => new Cached(request, next, options, policy(options), shelves.of(options.store))
  },
})
