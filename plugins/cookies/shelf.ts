/** The cookies of a jar, by domain, in the order in which they are sent, and never too many. */
import type { Cookie } from '../../src/index.ts'
import { domainMatches, domainsOf, pathMatches } from './place.ts'

/** A cookie on the shelf, and when it was used last. */
interface Kept {
  cookie: Cookie
  used: number
  readonly order: number
}

/** What is asked for; `lax` and `strict` say whether cookies of that kind may go along. */
export interface Wanted {
  readonly host: string
  readonly path: string
  readonly secure: boolean
  readonly lax: boolean
  readonly strict: boolean
}

const MOST_OF_DOMAIN = 50
const MOST = 3000

/** Holds cookies. What has to go so that others have room is told to `dropped`. */
export class Shelf {
  readonly #byDomain = new Map<string, Kept[]>()
  readonly #dropped: (cookie: Cookie) => void
  #size = 0
  #uses = 0
  #domains: { readonly host: string; readonly all: readonly string[] } = { host: '', all: [] }

  constructor(dropped: (cookie: Cookie) => void) {
    this.#dropped = dropped
  }

  /** Puts a cookie in the place of the same one, which leaves it its age, or beside the others. Gives what is kept now, if it is. */
  put(cookie: Cookie, now: number): Cookie | undefined {
    const { domain } = cookie
    const row = this.#byDomain.get(domain) ?? []
    const old = row.find(kept => isSame(kept.cookie, cookie))
    // What is over is there no more (RFC 6265bis §5.7): it leaves nobody its age.
    if (old !== undefined && isOver(old.cookie, now)) this.remove(old.cookie)
    else if (old !== undefined) {
      old.cookie = Object.freeze({ ...cookie, createdAt: old.cookie.createdAt })
      old.used = ++this.#uses
      return old.cookie
    }
    const kept: Kept = { cookie, used: ++this.#uses, order: this.#uses }
    const before = row.findIndex(other => comesBefore(kept, other))
    row.splice(before < 0 ? row.length : before, 0, kept)
    this.#byDomain.set(domain, row)
    this.#size++
    if (row.length > MOST_OF_DOMAIN) this.#makeRoom([row], now, kept)
    if (this.#size > MOST) this.#makeRoom(this.#byDomain.values(), now)
    return row.includes(kept) ? cookie : undefined
  }

  /** Takes the same cookie off and gives it back, if there is one. */
  remove(cookie: Cookie): Cookie | undefined {
    const row = this.#byDomain.get(cookie.domain)
    const at = row?.findIndex(kept => isSame(kept.cookie, cookie)) ?? -1
    if (row === undefined || at < 0) return undefined
    const [kept] = row.splice(at, 1)
    this.#size--
    if (row.length === 0) this.#byDomain.delete(cookie.domain)
    return kept?.cookie
  }

  /** What would be sent, the longest path first, of equal ones the oldest. With `use`, it now counts as used. */
  matching(wanted: Wanted, now: number, use: boolean): readonly Cookie[] {
    const found: Kept[] = []
    let rows = 0
    for (const domain of this.#above(wanted.host)) {
      const row = this.#byDomain.get(domain)
      if (row === undefined) continue
      const before = found.length
      for (const kept of row) if (fits(kept.cookie, wanted, domain === wanted.host, now)) found.push(kept)
      if (found.length > before) rows++
    }
    // Each row has its order already.
    if (rows > 1) found.sort((a, b) => (comesBefore(a, b) ? -1 : 1))
    if (use) for (const kept of found) kept.used = ++this.#uses
    return found.map(({ cookie }) => cookie)
  }

  /** True when a cookie that came without TLS would stand in front of one that did not (RFC 6265bis §5.7, "leave secure cookies alone"). */
  hidesSecure({ name, domain, path }: Cookie, now: number): boolean {
    for (const [other, row] of this.#byDomain) {
      if (!domainMatches(other, domain) && !domainMatches(domain, other)) continue
      for (const { cookie } of row) {
        if (cookie.secure && cookie.name === name && pathMatches(path, cookie.path) && !isOver(cookie, now)) return true
      }
    }
    return false
  }

  /** All that live, the oldest first. */
  alive(now: number): readonly Cookie[] {
    const all = [...this.#byDomain.values()].flat().filter(({ cookie }) => !isOver(cookie, now))
    return all.sort((a, b) => age(a, b)).map(({ cookie }) => cookie)
  }

  #above(host: string): readonly string[] {
    if (this.#domains.host !== host) this.#domains = { host, all: domainsOf(host) }
    return this.#domains.all
  }

  /**
   * What is over goes first, then, of one domain, what everybody can read, then what was not used for longest. That may be the
   * cookie that came `last` to its domain, which nobody has heard of yet.
   */
  #makeRoom(rows: Iterable<readonly Kept[]>, now: number, last?: Kept): void {
    const over: Kept[] = []
    let least: Kept | undefined
    for (const row of rows) {
      for (const kept of row) {
        if (isOver(kept.cookie, now)) over.push(kept)
        else if (least === undefined || goesBefore(kept, least, last !== undefined)) least = kept
      }
    }
    if (over.length === 0 && least !== undefined) over.push(least)
    for (const kept of over) {
      this.remove(kept.cookie)
      if (kept !== last) this.#dropped(kept.cookie)
    }
  }
}

/** True when a cookie lives no more. */
export function isOver({ expiresAt }: Cookie, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

function fits(cookie: Cookie, { path, secure, lax, strict }: Wanted, ofHost: boolean, now: number): boolean {
  if (cookie.hostOnly && !ofHost) return false
  if (cookie.secure && !secure) return false
  if (!lax && cookie.sameSite !== 'none') return false
  if (!strict && cookie.sameSite === 'strict') return false
  return pathMatches(path, cookie.path) && !isOver(cookie, now)
}

function isSame(a: Cookie, b: Cookie): boolean {
  return a.name === b.name && a.path === b.path && a.hostOnly === b.hostOnly
}

function comesBefore(a: Kept, b: Kept): boolean {
  const longer = a.cookie.path.length - b.cookie.path.length
  return longer === 0 ? age(a, b) < 0 : longer > 0
}

function age(a: Kept, b: Kept): number {
  return a.cookie.createdAt - b.cookie.createdAt || a.order - b.order
}

function goesBefore(a: Kept, b: Kept, openFirst: boolean): boolean {
  return openFirst && a.cookie.secure !== b.cookie.secure ? b.cookie.secure : a.used < b.used
}
