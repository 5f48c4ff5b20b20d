/** What a cache keeps its answers in. */

/** An answer at once, or later. What answers at once costs a hit no turn of the event loop. */
export type MaybePromise<T> = T | PromiseLike<T>

/**
 * What the cache knows of an answer: plain JSON, to be given back as it is. A store need not understand it, and must not
 * take its word for anything but `until`.
 */
export interface CacheMeta {
  /** Milliseconds since the epoch after which the entry is of no use to anybody: it may be dropped then. */
  readonly until: number
  readonly [name: string]: unknown
}

/** One answer in a store, complete. */
export interface CacheEntry {
  /** Names this very entry: what is committed later under the same key and variant has another id. */
  readonly id: string
  /** Which of the answers of its url it is. A commit replaces the entry of the same variant. */
  readonly variant: string
  /** The same object for as long as the entry is in memory and unchanged: what is made of it is kept beside it. */
  readonly meta: CacheMeta
  /** The length of the body in bytes. */
  readonly size: number
  /**
   * Reads the body in one piece, as bytes nobody else holds. Entries are bounded, so a body can be checked before its first byte is
   * handed out: `undefined` for one that has vanished, was cut or is corrupt, which then counts as never kept.
   */
  body(): MaybePromise<Uint8Array | undefined>
}

/** Writes one entry, while its body is still arriving. */
export interface CacheWriter {
  /**
   * Adds bytes to the body; the next ones come when this is settled. They are the store's from then on. Throwing, or rejecting, gives
   * the entry up.
   */
  write(bytes: Uint8Array): MaybePromise<void>
  /** The body is whole: makes the entry visible, in place of the one of its variant, in one step. */
  commit(): MaybePromise<void>
  /** Gives the entry up, also after `write` or `commit` have failed, and while they run. Must not throw. */
  abort(): void
}

/**
 * Keeps the answers of a {@link cache}. Keys are strings of any length with a url in them: do not show them. Entries of one
 * key are the variants of one answer (`Vary`). Everything may fail: the cache then does without, and no request fails for it. Of several
 * writers the last to commit wins. What is not committed is never seen, whatever happens to the process.
 */
export interface CacheStore {
  /** The entries of a key, those committed last first; an empty list for none. */
  list(key: string): MaybePromise<readonly CacheEntry[]>
  /** Begins an entry; `undefined` when there is no room for it. */
  begin(key: string, variant: string, meta: CacheMeta): MaybePromise<CacheWriter | undefined>
  /** Replaces what is known of an entry and leaves its body; does nothing when that very entry is gone. */
  update(key: string, id: string, meta: CacheMeta): MaybePromise<void>
  /** Removes one entry, or all of a key. */
  remove(key: string, id?: string): MaybePromise<void>
  /** Removes everything. */
  clear(): MaybePromise<void>
  /** Called when a client that uses the store has ended. The store stays usable for others. */
  close?(): MaybePromise<void>
}
