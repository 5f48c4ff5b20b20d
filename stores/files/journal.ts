/** A file that several processes may append to, and that none of them leaves half written. */
import { constants } from 'node:fs'
import { mkdir, open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, basename } from 'node:path'
import { config } from '../../src/index.ts'
import { readLines, writeLines } from './journal-lines.ts'
import { locked } from './lock.ts'
import { replaceFile, syncFolder } from './replace-file.ts'

/** What a journal is for. */
export interface JournalKind {
  /** The first line of the file: whatever begins otherwise is not touched. */
  readonly title: string
  /** The records that say the same as all of these, or fewer than were given. */
  readonly compact: (records: readonly unknown[]) => readonly unknown[]
}

/** From this size on a file is compacted when most of it is past. */
const SMALL = 64 * 1024

/** One file, as one process sees it. Its methods are not to be called at the same time. */
export class Journal {
  readonly #given: string
  readonly #kind: JournalKind
  /** How large the file may become before somebody looks whether it can be smaller. */
  #most = SMALL

  constructor(path: string, kind: JournalKind) {
    this.#given = path
    this.#kind = kind
  }

  /** Gives the records of the file; none when there is no file. Throws when it is somebody else's. */
  async read(): Promise<readonly unknown[]> {
    const path = await this.#path()
    const handle = await open(path, 'r').catch(unlessMissing)
    if (handle === undefined) return []
    try {
      return this.#records(await handle.readFile('utf8'))
    } finally {
      await handle.close()
    }
  }

  /** Appends records; they outlive this process, and the machine. */
  async append(records: readonly unknown[]): Promise<void> {
    const path = await this.#path()
    const size = await this.#appendAt(path, writeLines(records))
    if (size <= this.#most) return
    await this.#compact(path)
  }

  /** Writes the file anew without what is past, unless another process is doing so. */
  async #compact(path: string): Promise<void> {
    await locked(path, async temporary => {
      const old = await open(path, 'r')
      try {
        const file = await old.readFile()
        const records = this.#kind.compact(this.#records(file.toString('utf8')))
        await replaceFile(path, temporary, `${this.#kind.title}\n${writeLines(records)}`)
        // Others may have appended to the old file while it was copied, perhaps half a line; from now on they find the new one.
        const late = await readFrom(old, file.lastIndexOf('\n') + 1)
        const missed = readLines(late)
        if (missed.length > 0) await this.#appendAt(path, writeLines(missed))
      } finally {
        await old.close()
      }
    })
    const { size } = await stat(path)
    this.#most = Math.max(SMALL, 2 * size)
  }

  /** Appends in one write, to the file that has the name also when that is done. Gives its size. */
  async #appendAt(path: string, lines: string): Promise<number> {
    for (;;) {
      const handle = await open(path, constants.O_APPEND | constants.O_CREAT | constants.O_RDWR, 0o600)
      try {
        const before = await handle.stat()
        if (before.size > 0) await this.#demandOurs(handle)
        // For its owner alone, also where it was not before.
        if ((before.mode & 0o077) !== 0) await handle.chmod(0o600)
        const bytes = Buffer.from(before.size === 0 ? `${this.#kind.title}\n${lines}` : lines)
        // What was written in part is whole lines and a broken one; the same again does no harm.
        while ((await handle.write(bytes)).bytesWritten < bytes.length);
        await handle.datasync()
        if (before.size === 0) await syncFolder(dirname(path))
        const now = await stat(path).catch(unlessMissing)
        if (now?.ino === before.ino && now.dev === before.dev) return now.size
      } finally {
        await handle.close()
      }
    }
  }

  /** Somebody may write before having read, and somebody else may have put another file there. */
  async #demandOurs(handle: FileHandle): Promise<void> {
    const begin = Buffer.from(`${this.#kind.title}\n`)
    const { buffer } = await handle.read(Buffer.alloc(begin.length), 0, begin.length, 0)
    if (!buffer.equals(begin)) this.#records(await handle.readFile('utf8'))
  }

  #records(file: string): readonly unknown[] {
    const { title } = this.#kind
    const records = readLines(file)
    if (file.startsWith(`${title}\n`) || title.startsWith(file) || records.length > 0) return records
    throw config(
      `${basename(this.#given)} does not begin with "${title}", so it was left as it is. Name another file, or remove it.`,
    )
  }

  /** Where the file really is: a link to it stays one. */
  async #path(): Promise<string> {
    const folder = dirname(this.#given)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const real = await realpath(this.#given).catch(unlessMissing)
    return real ?? join(await realpath(folder), basename(this.#given))
  }
}

async function readFrom(handle: FileHandle, position: number): Promise<string> {
  const { size } = await handle.stat()
  const bytes = Buffer.alloc(Math.max(0, size - position))
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, position)
  return bytes.toString('utf8', 0, bytesRead)
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  return undefined
}
