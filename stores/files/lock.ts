/** Work on a file that one process does and the others may leave undone. */
import { randomBytes } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { clock } from '../../src/index.ts'

/** A lock that is older was left by a process that is gone: the work takes milliseconds. */
const STALE = 10_000

/**
 * Does `work` unless somebody else is at it, and gives it the name of a temporary file beside `path`. What a killed process
 * left, its lock and its temporary file, is cleared away by the next one.
 */
export async function locked(path: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const lock = `${path}.lock`
  const token = randomBytes(8).toString('hex')
  if (!(await taken(lock, token)) && !(await takenOver(path, lock, token))) return
  try {
    await work(temporaryOf(path, token))
  } finally {
    await rm(lock, { force: true })
  }
}

async function taken(lock: string, token: string): Promise<boolean> {
  try {
    const handle = await open(lock, 'wx', 0o600)
    try {
      await handle.writeFile(token)
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function takenOver(path: string, lock: string, token: string): Promise<boolean> {
  const left = await stat(lock).catch(() => undefined)
  if (left === undefined || clock.now() - left.mtimeMs < STALE) return false
  const old = await readFile(lock, 'utf8').catch(() => '')
  if (/^[\da-f]{16}$/.test(old)) await rm(temporaryOf(path, old), { force: true })
  await rm(lock, { force: true })
  return taken(lock, token)
}

function temporaryOf(path: string, token: string): string {
  return `${path}.${token}.tmp`
}
