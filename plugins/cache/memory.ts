/** Answers in the memory of the process, up to so many bytes. */
import { concat, config, count, shown } from '../../src/index.ts'
import type { CacheEntry, CacheMeta, CacheStore, CacheWriter } from './store.ts'

/** Options of {@link memoryCache}. Bad input throws `CONFIG`. */
export interface MemoryCacheOptions {
  /** The most bytes in all, headers and bookkeeping counted with the bodies. Default 67 108 864 (64 MiB). */
  readonly maxBytes?: number | undefined
}

/** A store in memory, and how full it is. */
export interface MemoryCache extends CacheStore {
  /** How many answers there are. */
  readonly size: number
  /** How many bytes they take, about. */
  readonly bytes: number
  clear(): undefined
}

/** What an entry costs beside its strings and its body, about. */
const PER_ENTRY = 512
/** More variants of one url than anybody needs: a server that varies by what is never the same would make every look long. */
const MOST_VARIANTS = 64

/**
 * Keeps the answers of a `cache` in memory: what was not used for the longest time makes room when they are more than `maxBytes`. Give one to
 * several clients to let them share it, or keep hold of it to `clear()` it. It answers at once.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { cache, memoryCache } from 'sluice/plugins/cache'
 *
 * const store = memoryCache({ maxBytes: 16 * 1024 * 1024 })
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: recommended(cache({ store })) })
 * client.get('catalog').subscribe(() => {
 *   console.log(store.size) // 1
 *   store.clear()
 * })
 * ```
 */
export function memoryCache({ maxBytes = 64 * 1024 * 1024 }: MemoryCacheOptions = {}): MemoryCache {
  const wrong = count(maxBytes)
  if (wrong !== undefined) throw config(`memoryCache({ maxBytes }) must be ${wrong}, not ${shown(maxBytes)}.`)
  return new Memory(maxBytes)
}

interface Stored extends CacheEntry {
  readonly meta: CacheMeta
  readonly bytes: Uint8Array
  readonly cost: number
}

const NONE: readonly CacheEntry[] = []

class Memory implements MemoryCache {
  readonly #most: number
  /** The keys used last come last. */
  readonly #entries = new Map<string, readonly Stored[]>()
  #bytes = 0
  #size = 0
  #lastId = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  list(key: string): readonly CacheEntry[] {
    const found = this.#entries.get(key)
    if (found === undefined) return NONE
    this.#entries.delete(key)
    this.#entries.set(key, found)
    return found
  }

  begin(key: string, variant: string, meta: CacheMeta): CacheWriter | undefined {
    const overhead = costOf(key, meta)
    if (overhead > this.#most) return undefined
    let chunks: Uint8Array[] | undefined = []
    let length = 0
    return {
      write: bytes => {
        length += bytes.length
        if (length + overhead > this.#most) chunks = undefined
        chunks?.push(bytes)
      },
      commit: () => {
        if (chunks === undefined) return
        this.#add(key, made(String(++this.#lastId), variant, meta, concat(chunks), overhead + length))
        chunks = undefined
      },
      abort() {
        chunks = undefined
      },
    }
  }

  update(key: string, id: string, meta: CacheMeta): void {
    const entries = this.#entries.get(key)
    const old = entries?.find(entry => entry.id === id)
    if (entries === undefined || old === undefined) return
    const cost = costOf(key, meta) + old.size
    this.#bytes += cost - old.cost
    const entry = made(old.id, old.variant, meta, old.bytes, cost)
    this.#entries.set(
      key,
      entries.map(one => (one === old ? entry : one)),
    )
    this.#makeRoom()
  }

  remove(key: string, id?: string): void {
    const entries = this.#entries.get(key)
    if (entries !== undefined) {
      this.#put(
        key,
        entries,
        entries.filter(entry => id !== undefined && entry.id !== id),
      )
    }
  }

  clear(): undefined {
    this.#entries.clear()
    this.#bytes = 0
    this.#size = 0
  }

  #add(key: string, entry: Stored): void {
    const entries = this.#entries.get(key) ?? []
    const others = entries.filter(({ variant }) => variant !== entry.variant).slice(0, MOST_VARIANTS - 1)
    this.#entries.delete(key)
    this.#put(key, entries, [entry, ...others])
    this.#makeRoom()
  }

  #put(key: string, before: readonly Stored[], after: readonly Stored[]): void {
    this.#size += after.length - before.length
    this.#bytes += sum(after) - sum(before)
    if (after.length === 0) this.#entries.delete(key)
    else this.#entries.set(key, after)
  }

  #makeRoom(): void {
    for (const [key, entries] of this.#entries) {
      if (this.#bytes <= this.#most) return
      // Of a url that is left alone with too much, the oldest variants go first.
      const kept = this.#entries.size > 1 ? [] : entries.slice(0, -1)
      this.#put(key, entries, kept)
    }
    if (this.#bytes > this.#most) this.#makeRoom()
  }
}

function made(id: string, variant: string, meta: CacheMeta, bytes: Uint8Array, cost: number): Stored {
  // What is handed out may be changed by whoever gets it.
  return { id, variant, meta, bytes, cost, size: bytes.length, body: () => bytes.slice() }
}

function costOf(key: string, meta: CacheMeta): number {
  return 2 * (key.length + JSON.stringify(meta).length) + PER_ENTRY
}

function sum(entries: readonly Stored[]): number {
  return entries.reduce((total, { cost }) => total + cost, 0)
}
