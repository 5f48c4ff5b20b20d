/** The bytes of a file until it is whole: a file beside it, under a name nobody can know beforehand. */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, link, lstat, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, unusable } from './failures.ts'
import { Range } from './range.ts'
import { bytesOf, isMine, read, recordOf, remove, removeBytes, write, type Known } from './record.ts'
import { isOfAnother } from './writer.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
const PIECE = 256 * 1024

/** Files this process writes to: what is left over is never one of these, however often a download is subscribed to. */
const live = new Set<string>()

/** Says before anything is sent why a file cannot be made, as a `CONFIG` error. */
export async function checkPlace(file: string, overwrite: boolean): Promise<void> {
  const there = await lstat(file).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(file, `${codeOf(error) ?? 'an error'} when it was looked for`, error)
  })
  if (there?.isDirectory() === true) {
    throw unusable(file, 'it is a directory; give the name of a file in it, which fileName(response) can suggest')
  }
  if (there !== undefined && !overwrite) throw unusable(file, 'it is there already; overwrite: true would replace it')
  await access(dirname(file), constants.W_OK).catch((error: unknown) => {
    throw unusable(file, `its directory cannot be written to (${codeOf(error) ?? 'an error'})`, error)
  })
}

/** A file that is not whole yet, open for writing. */
export class Part {
  readonly resource: string
  readonly #file: string
  readonly #id: string
  readonly #handle: FileHandle
  #what: Known | undefined
  #closed: Promise<void> | undefined

  private constructor(file: string, id: string, resource: string, handle: FileHandle) {
    this.#file = file
    this.#id = id
    this.resource = resource
    this.#handle = handle
    live.add(this.#path)
  }

  /** Makes an empty one. It cannot be a link, or a file that somebody else has put there. */
  static async create(file: string, resource: string, mode: number): Promise<Part> {
    const id = randomBytes(8).toString('hex')
    // First the record, so that whatever happens next, a later run knows what to remove.
    write(file, { id, resource, what: undefined, ranges: undefined, writer: process.pid })
    try {
      const handle = await open(bytesOf(file, id), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
      return new Part(file, id, resource, handle)
    } catch (error) {
      removeRecord(file, id)
      throw error
    }
  }

  /** Opens what an earlier run left, and says what there is of it. What is of no use is removed. */
  static async leftOver(
    file: string,
  ): Promise<{ readonly part: Part; readonly what: Known; readonly ranges: readonly Range[] } | undefined> {
    const record = read(file)
    if (record === undefined) return undefined
    const bytes = bytesOf(file, record.id)
    if (live.has(bytes) || isOfAnother(record.writer, bytes)) return undefined
    const { id, resource, what, ranges } = record
    if (what !== undefined) {
      const handle = await open(bytesOf(file, id), O_RDWR | O_NOFOLLOW).catch(() => undefined)
      const stat = await handle?.stat()
      const ours = stat?.isFile() === true && stat.nlink === 1 && isMine(stat.uid)
      // A record with ranges knows how far each has come, unless the bytes are gone; a file without says it by its size.
      const least = Math.max(0, ...(ranges ?? []).filter(({ loaded }) => loaded > 0).map(({ at }) => at))
      const fits = ours && stat.size <= what.total && stat.size >= least
      if (handle !== undefined && fits && !live.has(bytesOf(file, id))) {
        const part = new Part(file, id, resource, handle)
        const over = { part, what, ranges: ranges ?? [new Range(0, what.total, stat.size)] }
        part.#claim(over)
        return over
      }
      await handle?.close()
    }
    removeBytes(file, id)
    removeRecord(file, id)
    return undefined
  }

  /** Says that this process is at it now; on a full disk the bytes are of use all the same. */
  #claim({ what, ranges }: { readonly what: Known; readonly ranges: readonly Range[] }): void {
    try {
      this.save(what, ranges)
    } catch {
      // The record stays as it was.
    }
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
  }

  /** Reads what was written, from the first byte on. */
  async *bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    const piece = new Uint8Array(PIECE)
    for (let at = 0; ;) {
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE, at)
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  /** Writes down what a later run has to know, and whether this one is still at it. */
  save(what: Known | undefined, ranges: readonly Range[], writing = true): void {
    this.#what = what
    const several = ranges.length > 1 ? ranges : undefined
    const writer = writing ? process.pid : undefined
    write(this.#file, { id: this.#id, resource: this.resource, what, ranges: several, writer })
  }

  /** Gives the bytes their name, when they are safe on the disk; under it there was nothing, or the old file, until then. */
  async place(overwrite: boolean): Promise<void> {
    await this.#handle.sync()
    const mine = await this.#handle.stat({ bigint: true })
    const is = async (path: string): Promise<boolean> => {
      const stat = await lstat(path, { bigint: true }).catch(() => undefined)
      return stat !== undefined && stat.ino === mine.ino && stat.dev === mine.dev
    }
    if (!(await is(this.#path))) throw new Error('what was written was replaced or removed by somebody else')
    if (overwrite) await rename(this.#path, this.#file)
    else await nameOnce(this.#path, this.#file)
    await syncFolder(dirname(this.#file))
    removeRecord(this.#file, this.#id)
    await this.close()
  }

  /** Removes it, at once. */
  remove(): void {
    remove(this.#path)
    removeRecord(this.#file, this.#id)
    void this.close()
  }

  /** True when a later run could go on with it. */
  get isOfUse(): boolean {
    return this.#what !== undefined
  }

  /** Closes it, after what is being written. */
  close(): Promise<void> {
    this.#closed ??= this.#handle.close().catch(() => undefined)
    live.delete(this.#path)
    return this.#closed
  }

  get #path(): string {
    return bytesOf(this.#file, this.#id)
  }
}

/** Removes a record, unless it is that of another run by now. */
function removeRecord(file: string, id: string): void {
  if (read(file)?.id === id) remove(recordOf(file))
}

/** File systems without hard links. */
const LINKLESS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** Renames a file to a name that must be free: a rename would replace what came to be there in the meantime, a link does not. */
async function nameOnce(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw unusable(to, 'it came to be there while it was downloaded', error)
    if (!LINKLESS.has(codeOf(error))) throw error
    await checkPlace(to, false)
    await rename(from, to)
    return
  }
  await unlink(from)
}

/** Makes the new name last, where a directory can be synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
