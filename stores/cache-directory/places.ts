/** Where things are in the folder of a cache: names are hashes and random, and say nothing of a url. */
import { createHash, randomUUID } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { clock } from '../../src/index.ts'
import { codeOf, unlessGone } from './failures.ts'

/** A file of an entry, as the file system sees it. */
export interface Placed {
  readonly path: string
  readonly size: number
  /** When it was used last, in milliseconds since the epoch. */
  readonly used: number
}

const FILE = /^[0-9a-f]{64}\.[0-9a-f]{64}$/
const SHARD = /^[0-9a-f]{2}$/
const TEMPORARY = /^writing-(\d+)-[0-9a-f-]{36}$/
/** A file nobody has written to for this long is nobody's, whoever has the number of its process now. In milliseconds. */
const ABANDONED = 3_600_000

/** One format of files has one folder; it is ours alone. */
const FORMAT = 'v1'

/** Knows the folder. */
export class Places {
  readonly #root: string
  #lastUse = 0
  #lastWritten = 0

  constructor(path: string) {
    this.#root = join(path, FORMAT)
  }

  /** Makes the folder, for us alone, and removes what processes that are gone were writing. */
  async prepare(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 })
    const found = await lstat(this.#root)
    // Whoever else may write into it could plant answers.
    if (!found.isDirectory() || (process.getuid?.() ?? found.uid) !== found.uid) {
      throw new Error('the folder of the cache is not a folder of this user')
    }
    if ((found.mode & 0o077) !== 0) await chmod(this.#root, 0o700)
    for (const name of await readdir(this.#root)) {
      const writer = TEMPORARY.exec(name)?.[1]
      if (writer !== undefined && (await this.#isAbandoned(name, Number(writer)))) {
        await rm(join(this.#root, name), { force: true })
      }
    }
  }

  /** A new file to write to, which becomes an entry by a rename. */
  temporary(): string {
    return join(this.#root, `writing-${process.pid}-${randomUUID()}`)
  }

  /** Where the entry of a variant is. */
  of(key: string, variant: string): string {
    return join(this.#shard(key), `${key}.${hashOf(variant)}`)
  }

  /** Makes the folder for the entries of a key. */
  async makeRoom(key: string): Promise<void> {
    await mkdir(this.#shard(key), { recursive: true, mode: 0o700 })
  }

  /** The files of all variants of a key. */
  async variants(key: string): Promise<readonly string[]> {
    const shard = this.#shard(key)
    const names = await unlessGone(readdir(shard))
    return (names ?? []).filter(name => name.startsWith(`${key}.`) && FILE.test(name)).map(name => join(shard, name))
  }

  /** Every entry there is, by its file. */
  async all(): Promise<readonly Placed[]> {
    const shards = ((await unlessGone(readdir(this.#root))) ?? []).filter(name => SHARD.test(name))
    const placed: Placed[] = []
    for (const shard of shards) {
      const folder = join(this.#root, shard)
      for (const name of (await unlessGone(readdir(folder))) ?? []) {
        if (!FILE.test(name)) continue
        const path = join(folder, name)
        const found = await unlessGone(stat(path))
        if (found !== undefined) placed.push({ path, size: found.size, used: found.atimeMs })
      }
    }
    return placed
  }

  /** Dates a new file, later than all that this process has written; or as one it takes the place of. */
  async date(path: string, written?: number): Promise<void> {
    if (written === undefined) this.#lastWritten = Math.max(Math.floor(clock.now()), this.#lastWritten + 1)
    await this.use(path, Math.round(written ?? this.#lastWritten))
  }

  /** Notes that a file was used now, for all processes to see; `written` is when it was written. */
  async use(path: string, written: number): Promise<void> {
    // Two uses in the same millisecond still have an order.
    this.#lastUse = Math.max(clock.now(), this.#lastUse + 0.01)
    await utimes(path, this.#lastUse / 1000, written / 1000)
  }

  #shard(key: string): string {
    return join(this.#root, key.slice(0, 2))
  }

  async #isAbandoned(name: string, writer: number): Promise<boolean> {
    if (!runs(writer)) return true
    // What is older than this process is not its own: in a container the one before it had the same number.
    const age = writer === process.pid ? process.uptime() * 1000 : ABANDONED
    const found = await unlessGone(stat(join(this.#root, name)))
    return found !== undefined && found.mtimeMs < clock.now() - age
  }
}

/** The name of a key or variant in the folder. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text, 'utf16le').digest('hex')
}

// In another container the number means somebody else: what is taken from a writer there fails its commit, and nothing else.
function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
