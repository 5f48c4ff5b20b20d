/** Cookies in a file. */
import { clock, config, shown, type Cookie } from '../src/index.ts'
import type { CookieChange, CookieStore } from '../plugins/cookies.ts'
import { Journal } from './files/journal.ts'
import { optionsOf } from './keeping/checked.ts'

/** What of a jar is kept. */
export interface CookieFileOptions {
  /**
   * Keeps cookies that have no end, too, which end with the session of a browser. Good for a command line tool, whose
   * sessions are many processes. Default: `false`.
   */
  readonly session?: boolean | undefined
}

const DEFAULTS: CookieFileOptions = { session: false }

/** A change, as a line has it. The newest of a cookie counts, wherever it stands. */
interface Written {
  readonly at: number
  readonly removed: boolean
  readonly cookie: Cookie
}

/** So long a removal is remembered, in milliseconds: nobody appends later what was before it. */
const REMEMBERED = 60_000

/**
 * Keeps a jar in a file, for `cookies({ store })`. Node only.
 *
 * Changes are appended, each line with a checksum, while no request waits; `client.close()` does. A process that is killed, or a file that
 * is cut off at any byte, loses what was not whole and nothing before it. The file is for its owner alone (mode 600) and is
 * compacted into a new one when most of it is past. Folders that are missing are made.
 *
 * Processes may share a file: each reads it when it starts and appends what it changes, and of a cookie that two have changed, the later
 * change counts. What one sets, another running one does not see.
 *
 * Fails with `CONFIG` for a file that is no cookie file, which is left as it is, and with the errors of the file system; what becomes of
 * them is told at `cookies`. The file holds secrets in clear: not for a folder that others share or back up.
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { lastValueFrom } from 'rxjs'
 * import { createClient, recommended } from 'sluice'
 * import { cookies } from 'sluice/plugins/cookies'
 * import { cookieFile } from 'sluice/stores/cookie-file'
 *
 * const path = join(await mkdtemp(join(tmpdir(), 'sluice-')), 'cookies')
 * const open = () =>
 *   createClient({
 *     baseUrl: 'https://api.example.com/',
 *     plugins: recommended(cookies({ store: cookieFile(path, { session: true }) })),
 *   })
 *
 * const first = open()
 * await lastValueFrom(first.get('login'))
 * await first.close()
 *
 * const second = open()
 * console.log((await second.cookies('users')).map(({ name }) => name).join()) // session
 * await second.close()
 * ```
 */
export function cookieFile(path: string, options: CookieFileOptions = {}): CookieStore {
  const { session } = optionsOf('cookieFile', options, DEFAULTS)
  if (typeof path !== 'string' || path === '') throw config(`A cookie file needs a path, not ${shown(path)}.`)
  if (typeof session !== 'boolean')
    throw config(`cookieFile({ session }) must be true or false, not ${shown(session)}.`)
  let latest = 0
  const journal = new Journal(path, { title: 'sluice cookies 1', compact })
  return {
    async load() {
      const records = newest(await journal.read())
      for (const { at } of records) latest = Math.max(latest, at)
      return records.filter(({ removed }) => !removed).map(({ cookie }) => cookie)
    },
    async save(changes) {
      // Later than all that was read, also where a clock went back.
      latest = Math.max(clock.now(), latest + 1)
      await journal.append(changes.map(change => written(change, latest, session)))
    },
  }
}

/** A cookie that is not kept is written down as removed: one of the same name may have been kept. */
function written({ cookie, removed }: CookieChange, at: number, session: boolean): Written {
  const gone = removed || (!session && cookie.expiresAt === undefined)
  return { at, removed: gone, cookie: gone ? { ...cookie, value: '' } : cookie }
}

function compact(records: readonly unknown[]): readonly unknown[] {
  const now = clock.now()
  return newest(records).filter(({ at, removed, cookie }) =>
    removed ? at > now - REMEMBERED : cookie.expiresAt === undefined || cookie.expiresAt > now,
  )
}

/** Of each cookie the newest change, the oldest first. */
function newest(records: readonly unknown[]): readonly Written[] {
  const byKey = new Map<string, Written>()
  for (const record of records as readonly Written[]) {
    const { name, domain, path, hostOnly } = record.cookie
    const key = JSON.stringify([domain, path, name, hostOnly])
    const known = byKey.get(key)
    if (known === undefined || known.at <= record.at) byKey.set(key, record)
  }
  return [...byKey.values()].toSorted((a, b) => a.cookie.createdAt - b.cookie.createdAt)
}
