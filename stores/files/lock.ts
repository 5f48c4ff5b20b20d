/** Work on a file that one process does and the others may leave undone. */
import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
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
    // Who stood still for so long that the lock was taken for left has none to give back.
    if ((await tokenIn(lock)) === token) await rm(lock, { force: true })
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
  const old = await tokenIn(lock)
  if (!(await takenAway(lock, `${lock}.${token}`, old))) return false
  if (/^[\da-f]{16}$/.test(old)) await rm(temporaryOf(path, old), { force: true })
  return taken(lock, token)
}

/** Of several that find the same old lock, one moves it aside; another may find a new one in its place, which it puts back. */
async function takenAway(lock: string, aside: string, old: string): Promise<boolean> {
  try {
    await rename(lock, aside)
  } catch {
    return false
  }
  const mine = (await tokenIn(aside)) === old
  if (!mine) await link(aside, lock).catch(() => undefined)
  await rm(aside, { force: true })
  return mine
}

function tokenIn(lock: string): Promise<string> {
  return readFile(lock, 'utf8').catch(() => '')
}

function temporaryOf(path: string, token: string): string {
  return `${path}.${token}.tmp`
}
