/** The entries of a cache as values of a Keyv: a list for each url, and beside it each body. */
import { randomUUID } from 'node:crypto'
import { clock, config } from '../../src/index.ts'
import type { CacheEntry, CacheMeta, CacheStore, CacheWriter, MaybePromise } from '../../plugins/cache.ts'
import { MOST_VARIANTS } from '../keeping/most-variants.ts'
import { Turns } from '../keeping/turns.ts'
import { Gathering } from './gathering.ts'
import { read, sumOf, write, type Listed } from './listed.ts'

/** What of a Keyv is used. Times to live are milliseconds. */
export interface KeyvLike {
  get(key: string): MaybePromise<unknown>
  /** Answering `false` says that it was not kept. */
  set(key: string, value: string, ttl?: number): MaybePromise<unknown>
  delete(key: string): MaybePromise<unknown>
  clear?(): MaybePromise<unknown>
}

const PREFIX = 'sluice-cache:1:'
/** The longest time a value is kept, in milliseconds; some adapters know no longer ones. */
const LONGEST = 366 * 24 * 3_600_000
/** How many lists are remembered as they were understood last. */
const MOST_KNOWN = 1024

/** Reads the list anew for every question, because others write, too; what was understood of it is kept while it is the same. */
export class Shelves implements CacheStore {
  readonly #keyv: KeyvLike
  readonly #most: number
  readonly #turns = new Turns()
  readonly #known = new Map<string, { readonly text: string; readonly list: readonly Listed[] }>()
  /** Counts how often everything was removed: what was begun before is not wanted after. */
  #age = 0

  constructor(keyv: KeyvLike, most: number) {
    this.#keyv = keyv
    this.#most = most
  }

  async list(key: string): Promise<readonly CacheEntry[]> {
    const name = nameOf(key)
    // What cannot be read was never kept.
    const list = await this.#turns.track(this.#read(name)).catch(() => [])
    return list.map(({ id, variant, meta, size }) => ({ id, variant, meta, size, body: () => this.#body(name, id) }))
  }

  begin(key: string, variant: string, meta: CacheMeta): CacheWriter {
    const name = nameOf(key)
    const age = this.#age
    return new Gathering(this.#most, (body, isWanted) =>
      this.#turns.take(name, async () => {
        const isStillWanted = (): boolean => isWanted() && this.#age === age
        checkWanted(isStillWanted)
        await this.#keep(name, variant, meta, body(), isStillWanted)
      }),
    )
  }

  update(key: string, id: string, meta: CacheMeta): Promise<void> {
    const name = nameOf(key)
    return this.#turns.take(name, async () => {
      const list = await this.#read(name)
      const one = list.find(listed => listed.id === id)
      if (one === undefined) return
      const kept = await this.#prolong(name, one, meta.until)
      if (kept === undefined) await this.#change(name, list, without(list, id))
      else
        await this.#change(
          name,
          list,
          list.map(listed => (listed === one ? { ...one, meta, kept } : listed)),
        )
    })
  }

  remove(key: string, id?: string): Promise<void> {
    return this.#remove(nameOf(key), id)
  }

  clear(): Promise<void> {
    this.#age++
    return this.#turns.takeAll(async () => {
      if (this.#keyv.clear === undefined) {
        throw config(
          'The Keyv of cacheKeyv() cannot be cleared: it has no clear(). Remove what has been kept where it is.',
        )
      }
      await this.#keyv.clear()
    })
  }

  close(): Promise<void> {
    return this.#turns.over()
  }

  #remove(name: string, id: string | undefined): Promise<void> {
    return this.#turns.take(name, async () => {
      const list = await this.#read(name)
      await this.#change(name, list, id === undefined ? [] : without(list, id))
    })
  }

  async #read(name: string): Promise<readonly Listed[]> {
    const text = await this.#keyv.get(listKey(name))
    const now = clock.now()
    return this.#understood(name, text).filter(({ meta }) => meta.until > now)
  }

  #understood(name: string, text: unknown): readonly Listed[] {
    const known = this.#known.get(name)
    if (known !== undefined && known.text === text) return known.list
    this.#known.delete(name)
    const list = read(text)
    if (list.length > 0) this.#know(name, text as string, list)
    return list
  }

  #know(name: string, text: string, list: readonly Listed[]): void {
    this.#known.set(name, { text, list })
    if (this.#known.size <= MOST_KNOWN) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      return
    }
  }

  async #body(name: string, id: string): Promise<Uint8Array | undefined> {
    try {
      const one = (await this.#turns.track(this.#read(name))).find(listed => listed.id === id)
      if (one === undefined) return undefined
      const body = await this.#turns.track(this.#fetch(name, one))
      if (body === undefined) await this.#remove(name, id)
      return body
    } catch {
      return undefined
    }
  }

  /** The body as it was written; `undefined` when it is not. */
  async #fetch(name: string, { id, size, sum }: Listed): Promise<Uint8Array | undefined> {
    const text = await this.#keyv.get(bodyKey(name, id))
    // Longer than base64 makes it: not decoded at all.
    if (typeof text !== 'string' || text.length !== Math.ceil(size / 3) * 4) return undefined
    const body = new Uint8Array(Buffer.from(text, 'base64'))
    return body.length === size && sumOf(body) === sum ? body : undefined
  }

  async #keep(
    name: string,
    variant: string,
    meta: CacheMeta,
    body: Uint8Array,
    isWanted: () => boolean,
  ): Promise<void> {
    const id = randomUUID()
    const one: Listed = { id, variant, meta, size: body.length, sum: sumOf(body), kept: meta.until }
    try {
      await this.#set(
        bodyKey(name, id),
        Buffer.from(body.buffer, body.byteOffset, body.length).toString('base64'),
        meta.until,
      )
      const list = await this.#read(name)
      checkWanted(isWanted)
      const others = list.filter(listed => listed.variant !== variant)
      await this.#change(name, list, [one, ...others].slice(0, MOST_VARIANTS))
    } catch (error) {
      await this.#discard(name, [one])
      throw error
    }
  }

  /** Writes the list, and then removes the bodies nobody will ask for any more. */
  async #change(name: string, before: readonly Listed[], after: readonly Listed[]): Promise<void> {
    if (after.length > 0) {
      const until = after.reduce((latest, { meta }) => Math.max(latest, meta.until), 0)
      await this.#set(listKey(name), write(after), until)
    } else if (before.length > 0) await this.#keyv.delete(listKey(name))
    const left = new Set(after.map(({ id }) => id))
    await this.#discard(
      name,
      before.filter(({ id }) => !left.has(id)),
    )
  }

  /** A body must not go before what is known of it; answers until when it is kept, `undefined` when it has gone already. */
  async #prolong(name: string, one: Listed, until: number): Promise<number | undefined> {
    if (until <= one.kept) return one.kept
    const text = (await this.#fetch(name, one)) && (await this.#keyv.get(bodyKey(name, one.id)))
    if (typeof text !== 'string') return undefined
    await this.#set(bodyKey(name, one.id), text, until)
    return until
  }

  async #set(key: string, value: string, until: number): Promise<void> {
    // None, or 0, would be for ever.
    const ttl = Math.min(Math.max(Math.ceil(until - clock.now()), 1), LONGEST)
    if ((await this.#keyv.set(key, value, ttl)) === false) throw new Error('Keyv did not keep it')
  }

  /** What cannot be removed ends by itself. */
  async #discard(name: string, list: readonly Listed[]): Promise<void> {
    for (const { id } of list) {
      try {
        await this.#keyv.delete(bodyKey(name, id))
      } catch {
        continue
      }
    }
  }
}

function checkWanted(isWanted: () => boolean): void {
  if (!isWanted()) throw new Error('this entry is not wanted any more')
}

function nameOf(key: string): string {
  return sumOf(Buffer.from(key, 'utf16le'))
}

function listKey(name: string): string {
  return `${PREFIX}list:${name}`
}

function bodyKey(name: string, id: string): string {
  return `${PREFIX}body:${name}:${id}`
}

function without(list: readonly Listed[], id: string): readonly Listed[] {
  return list.filter(listed => listed.id !== id)
}
