/** Tells whether somebody is still at the bytes of a file. */
import { readdirSync, statSync } from 'node:fs'
import { codeOf } from './failures.ts'

/**
 * True when another process runs by that number, and, where the system tells (`/proc`), has these bytes open: after a kill, the
 * number may have become that of anybody. Elsewhere that one is taken for it, and the download begins anew.
 */
export function isOfAnother(writer: number | undefined, bytes: string): boolean {
  if (writer === undefined || writer === process.pid || !runs(writer)) return false
  return hasOpen(writer, bytes) ?? true
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** Unknown where the system does not tell, and for what is about to be made. */
function hasOpen(pid: number, path: string): boolean | undefined {
  try {
    const { ino, dev } = statSync(path, { bigint: true })
    return readdirSync(`/proc/${pid}/fd`).some(name => {
      const open = statSync(`/proc/${pid}/fd/${name}`, { bigint: true, throwIfNoEntry: false })
      return open?.ino === ino && open.dev === dev
    })
  } catch {
    return undefined
  }
}
