/** The entries of a cache in a folder that several processes may share. */
import { randomUUID } from 'node:crypto'
import { rename, rm, stat } from 'node:fs/promises'
import { clock } from '../../src/index.ts'
import type { CacheEntry, CacheMeta, CacheStore, CacheWriter } from '../../plugins/cache.ts'
import { MOST_VARIANTS } from '../keeping/most-variants.ts'
import { Turns } from '../keeping/turns.ts'
import { ignore, unlessGone } from './failures.ts'
import { Known } from './known.ts'
import { hashOf, Places } from './places.ts'
import { readAll, readStart } from './reading.ts'
import { described, readRecord, sizeOfBody, type Description } from './record.ts'
import { Room } from './room.ts'
import { Writing, type Shelf } from './writing.ts'

/** An entry, and when it was committed. */
interface Found {
  readonly entry: CacheEntry
  readonly written: number
}

/** Looks anew for every question, because other processes write, too; only what was understood of a file is kept. */
export class Folder implements CacheStore {
  readonly #places: Places
  readonly #room: Room
  readonly #most: number
  readonly #turns = new Turns()
  readonly #known = new Known()
  #ready: Promise<void> | undefined
  /** Counts how often everything was removed: what was begun before is not wanted after. */
  #age = 0

  constructor(path: string, maxBytes: number, maxEntry: number) {
    this.#places = new Places(path)
    this.#room = new Room(this.#places, maxBytes)
    this.#most = Math.min(maxEntry, maxBytes)
  }

  list(key: string): Promise<readonly CacheEntry[]> {
    // What cannot be read was never kept.
    return this.#turns.track(this.#list(hashOf(key))).catch(() => [])
  }

  begin(key: string, variant: string, meta: CacheMeta): Promise<CacheWriter | undefined> {
    return this.#turns.track(this.#begin(hashOf(key), variant, meta)).catch(() => undefined)
  }

  update(key: string, id: string, meta: CacheMeta): Promise<void> {
    const name = hashOf(key)
    return this.#turns.take(name, async () => {
      const path = await this.#find(name, id)
      const file = path === undefined ? undefined : await readAll(path, this.#most)
      const record = file && readRecord(file)
      // Another process may have put another entry in its place.
      if (path === undefined || record?.description.id !== id) return
      const { mtimeMs } = await stat(path)
      const writing = await this.#write({ ...record.description, meta }, (from, isWanted) =>
        this.#shelve(from, path, isWanted, mtimeMs),
      )
      await writing.write(record.body)
      await writing.commit()
    })
  }

  remove(key: string, id?: string): Promise<void> {
    const name = hashOf(key)
    return this.#turns.take(name, async () => {
      const one = id === undefined ? undefined : await this.#find(name, id)
      const paths = id === undefined ? await this.#places.variants(name) : one === undefined ? [] : [one]
      for (const path of paths) await this.#drop(path)
    })
  }

  clear(): Promise<void> {
    this.#age++
    return this.#turns.takeAll(async () => {
      for (const { path } of await this.#places.all()) await this.#drop(path)
    })
  }

  /** Every handle is closed with the work it was opened for. */
  close(): Promise<void> {
    return this.#turns.over()
  }

  async #list(name: string): Promise<readonly CacheEntry[]> {
    await this.#prepare()
    const found: Found[] = []
    for (const path of await this.#places.variants(name)) {
      const one = await this.#look(name, path).catch(ignore)
      if (one === undefined) continue
      if (one.entry.meta.until <= clock.now()) await this.#drop(path).catch(ignore)
      else found.push(one)
    }
    return found.toSorted((a, b) => b.written - a.written).map(({ entry }) => entry)
  }

  async #find(name: string, id: string): Promise<string | undefined> {
    const entry = (await this.#list(name)).find(one => one.id === id)
    return entry && this.#places.of(name, entry.variant)
  }

  /** The entry in a file; what cannot be one is removed. */
  async #look(name: string, path: string): Promise<Found | undefined> {
    const shape = await unlessGone(stat(path))
    if (shape === undefined) return undefined
    const written = Math.round(shape.mtimeMs)
    const known = this.#known.get(path, shape)
    if (known !== undefined) return { entry: known, written }
    const read = shape.isFile() ? await readStart(path) : undefined
    const size = read === undefined ? -1 : sizeOfBody(read.start, read.shape.size)
    const description = read?.description
    const fits = description?.key === name && path === this.#places.of(name, description.variant)
    if (read === undefined || description === undefined || !fits || size < 0 || size > this.#most) {
      await this.#drop(path)
      return undefined
    }
    const { id, variant, meta } = description
    const body = (): Promise<Uint8Array | undefined> =>
      this.#turns.track(this.#body(path, id, written)).catch(() => undefined)
    const entry: CacheEntry = { id, variant, meta, size, body }
    this.#known.set(path, read.shape, entry)
    return { entry, written }
  }

  async #body(path: string, id: string, written: number): Promise<Uint8Array | undefined> {
    const file = await readAll(path, this.#most)
    if (file === undefined) return undefined
    const record = readRecord(file)
    if (record === undefined) await this.#drop(path)
    if (record?.description.id !== id) return undefined
    await this.#places.use(path, written).catch(ignore)
    return record.body
  }

  async #begin(name: string, variant: string, meta: CacheMeta): Promise<CacheWriter> {
    const age = this.#age
    await this.#prepare()
    await this.#places.makeRoom(name)
    const path = this.#places.of(name, variant)
    return this.#write({ id: randomUUID(), key: name, variant, meta }, (from, isWanted) =>
      this.#turns.take(name, async () => {
        await this.#shelve(from, path, () => isWanted() && this.#age === age)
        await this.#thin(name).catch(ignore)
      }),
    )
  }

  #write(description: Description, shelve: Shelf['shelve']): Promise<Writing> {
    const track: Shelf['track'] = work => this.#turns.track(work)
    return Writing.begin(
      { temporary: this.#places.temporary(), most: this.#most, shelve, track },
      described(description),
    )
  }

  /** Puts a whole file in the place of what is there: a rename, so that everybody sees the one or the other. */
  async #shelve(from: string, path: string, isWanted: () => boolean, written?: number): Promise<void> {
    await this.#places.date(from, written)
    const [now, before] = await Promise.all([stat(from), unlessGone(stat(path))])
    if (!isWanted()) throw new Error('this entry is not wanted any more')
    await rename(from, path)
    this.#known.delete(path)
    await this.#room.came(now.size - (before?.size ?? 0)).catch(ignore)
  }

  /** Removes what was written the longest time ago where there are too many variants. */
  async #thin(name: string): Promise<void> {
    const paths = await this.#places.variants(name)
    if (paths.length <= MOST_VARIANTS) return
    const dated: { readonly path: string; readonly written: number }[] = []
    for (const path of paths) {
      const found = await unlessGone(stat(path))
      if (found !== undefined) dated.push({ path, written: found.mtimeMs })
    }
    for (const { path } of dated.toSorted((a, b) => b.written - a.written).slice(MOST_VARIANTS)) await this.#drop(path)
  }

  async #drop(path: string): Promise<void> {
    this.#known.delete(path)
    const there = await unlessGone(stat(path))
    await rm(path, { force: true })
    this.#room.left(there?.size ?? 0)
  }

  #prepare(): Promise<void> {
    if (this.#ready === undefined) {
      const preparing = this.#places.prepare()
      this.#ready = preparing
      // What hindered it may go away.
      preparing.catch(() => (this.#ready = undefined))
    }
    return this.#ready
  }
}
