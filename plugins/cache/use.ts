/** Whether a kept answer may be used for a request (RFC 9111 §4, §4.2.4, §5.2; RFC 5861; RFC 8246). */
import type { Kept } from './kept.ts'
import type { Wish } from './wish.ts'

/** `fresh`, or stale with the leave of the request (`stale`) or of the server, which is asked meanwhile (`while`); or after asking. */
export type Use = 'fresh' | 'stale' | 'while' | 'ask'

/** Judges a kept answer that matches a request. */
export function useOf(kept: Kept, wish: Wish, now: number): Use {
  const { noCache, strict, immutable, whileRevalidate } = kept.meta
  if (noCache || wish.noCache) return 'ask'
  const ttl = kept.ttl(now)
  const fresh = ttl > 0
  if (!wish.plain) {
    // A reload says 0; what cannot change while it is fresh need not be asked for (RFC 8246 §2).
    const reload = wish.maxAge === 0 && immutable && fresh
    if (wish.maxAge !== undefined && !reload && kept.age(now) > wish.maxAge) return 'ask'
    if (wish.minFresh !== undefined && ttl < wish.minFresh) return 'ask'
  }
  if (fresh) return 'fresh'
  if (strict) return 'ask'
  if (wish.maxStale !== undefined && -ttl <= wish.maxStale) return 'stale'
  return -ttl < whileRevalidate ? 'while' : 'ask'
}

/** Whether it may be used because the server cannot be asked. `most` is for how many milliseconds it may be stale by our own leave. */
export function helpsOut(kept: Kept, wish: Wish, now: number, most: number): boolean {
  const { noCache, strict, ifError } = kept.meta
  if (noCache || strict || wish.noCache || wish.maxAge !== undefined || wish.minFresh !== undefined) return false
  return -kept.ttl(now) < Math.max(ifError, wish.staleIfError, most)
}
