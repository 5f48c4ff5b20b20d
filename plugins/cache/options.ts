/** What can be said of caching. */
import type { HttpRequest } from '../../src/index.ts'
import type { CacheStore } from './store.ts'

/** Options of `cache`. Bad input throws `CONFIG`. */
export interface CacheOptions {
  /**
   * `true` for a cache whose answers are for many users, as in a gateway: answers marked `private`, those with `Set-Cookie`, and those to requests
   * with credentials are then not kept, unless the server says so (RFC 9111 §3.5), and `s-maxage` and `proxy-revalidate` count.
   * Default false: the client is one user's.
   */
  readonly shared: boolean
  /** Where answers are kept. Default: a `memoryCache()` of the client's own. */
  readonly store: CacheStore | undefined
  /** The most bytes of the client's own memory store; read when the client is made. Default 67 108 864 (64 MiB). */
  readonly maxBytes: number
  /** The most bytes of one body; a longer one passes and is not kept. Default 8 388 608 (8 MiB). */
  readonly maxEntry: number
  /**
   * Says whose answers a request may see: those kept under the same text, and no others. Default: those to requests with the same
   * credentials, that is with the same `Authorization`, `Cookie` and other headers that hold a secret (hashed), and the same identity where
   * an auth plugin notes one. Return one text for all when the client speaks for one user and his cookies change often.
   */
  readonly partition: ((request: HttpRequest) => string) | undefined
  /**
   * The part of its age at which an answer without a lifetime, but with `Last-Modified`, is still fresh (RFC 9111 §4.2.2), for 24 hours at most;
   * 0 for never. Default 0.1.
   */
  readonly heuristic: number
  /**
   * For how many milliseconds a stale answer may be used when the server cannot be reached or answers 500, 502, 503 or 504, and does not say
   * by `stale-if-error` itself. Default 0.
   */
  readonly staleIfError: number
}
