/** Cookies as users and stores give them: checked, because what is sent is made of them. */
import { config, shown, type Cookie } from '../../src/index.ts'
import { LONGEST_LIFE } from './admission.ts'
import { isPublicSuffix } from './place.ts'
import { isOver } from './shelf.ts'
import { bareDomain, wrongPair, type SetCookie } from './set-cookie.ts'

/** A cookie to set by hand; what is left out is as in a `Set-Cookie` that does not say it. */
export interface CookieInit {
  /** Without `=`, `;`, white space and control characters. */
  readonly name: string
  /** Sent as it is. Without `;`, control characters and white space around it. */
  readonly value: string
  /** For hosts below this domain, too. Default: for the host of the url alone. */
  readonly domain?: string | undefined
  /** For the host of the url alone, which `domain` has to be if it is given: as a jar gives it. Default: `false`. */
  readonly hostOnly?: boolean | undefined
  /** Default: the directory of the url. */
  readonly path?: string | undefined
  /** Over https alone. Default: `false`. */
  readonly secure?: boolean | undefined
  /** Default: `false`. */
  readonly httpOnly?: boolean | undefined
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** Until when it lives, in milliseconds since the epoch, at most 400 days from now. Default: as long as the jar. */
  readonly expiresAt?: number | undefined
}

const NOT_IN_NAME = /[^\x21-\x7e\x80-\xff]|[=;]|^$/
// Servers are freer.
const NOT_IN_KEPT_NAME = /[^\t\x20-\x7e\x80-\xff]|[=;]|^[\t ]|[\t ]$/
// Names of hosts may have nearly everything, and what a url has in front of its last slash is a path, semicolons and all.
const KEPT_DOMAIN = /^[\x21-\x2e\x30-\x40\x5b-\x7e]+$/
const KEPT_PATH = /^\/[\t\x20-\x7e\x80-\xff]*$/
const NOT_IN_VALUE = /[^\t\x20-\x3a\x3c-\x7e\x80-\xff]|^[\t ]|[\t ]$/

/** Reads a cookie of a user. Throws `CONFIG` for what could not be said in a `Set-Cookie`. */
export function saidBy(init: CookieInit): SetCookie {
  if (typeof init !== 'object' || (init as object | null) === null) {
    throw config(
      `A cookie must be a text such as "theme=dark; Path=/" or an object with name and value, not ${shown(init)}.`,
    )
  }
  const {
    name,
    value,
    domain = '',
    hostOnly = false,
    path,
    secure = false,
    httpOnly = false,
    sameSite,
    expiresAt,
  } = {
    __proto__: null,
    ...init,
  } as CookieInit
  const wrong = wrongText(name, value, NOT_IN_NAME)
  if (wrong !== undefined) throw config(`A cookie ${wrong}.`)
  if (typeof domain !== 'string') throw config(`The domain of a cookie must be a string, not ${shown(domain)}.`)
  if (path !== undefined && !isPath(path))
    throw config(`The path of a cookie must begin with a slash, not be ${shown(path)}.`)
  if (!isSameSite(sameSite)) throw config(`sameSite of a cookie must be strict, lax or none, not ${shown(sameSite)}.`)
  if (!isTime(expiresAt))
    throw config(`expiresAt of a cookie must be milliseconds since the epoch, not ${shown(expiresAt)}.`)
  return {
    name,
    value,
    domain: bareDomain(domain),
    hostOnly: isTrue(hostOnly, 'hostOnly'),
    path,
    pathSaid: path !== undefined,
    secure: isTrue(secure, 'secure'),
    httpOnly: isTrue(httpOnly, 'httpOnly'),
    sameSite,
    maxAge: undefined,
    expires: expiresAt,
  }
}

/** Reads cookies that were kept somewhere, those that may be sent still. Throws `CONFIG` for what no jar could have kept. */
export function keptBefore(given: readonly unknown[], now: number): readonly Cookie[] {
  // The list of public suffixes grows: what was somebody's domain may be one of strangers now (RFC 6265bis §5.8.3).
  return given
    .map(one => kept(one, now))
    .filter(cookie => !isOver(cookie, now) && (cookie.hostOnly || !isPublicSuffix(cookie.domain)))
}

function kept(given: unknown, now: number): Cookie {
  const { name, value, domain, hostOnly, path, secure, httpOnly, sameSite, expiresAt, createdAt } = {
    __proto__: null,
    ...Object(given),
  } as Partial<Record<keyof Cookie, unknown>>
  const fine =
    typeof name === 'string' &&
    typeof value === 'string' &&
    wrongText(name, value, NOT_IN_KEPT_NAME) === undefined &&
    typeof domain === 'string' &&
    KEPT_DOMAIN.test(domain) &&
    typeof path === 'string' &&
    KEPT_PATH.test(path) &&
    typeof hostOnly === 'boolean' &&
    typeof secure === 'boolean' &&
    typeof httpOnly === 'boolean' &&
    isSameSite(sameSite) &&
    isTime(expiresAt) &&
    typeof createdAt === 'number' &&
    isTime(createdAt)
  if (!fine) throw config('What was kept is not a cookie, or not one that a jar keeps.')
  return Object.freeze({
    name,
    value,
    domain,
    hostOnly,
    path,
    secure,
    httpOnly,
    sameSite,
    expiresAt: expiresAt === undefined ? undefined : Math.min(expiresAt, now + LONGEST_LIFE),
    // A clock that was wrong makes no cookie the oldest for ever.
    createdAt: Math.min(createdAt, now),
  })
}

function wrongText(name: unknown, value: unknown, notInName: RegExp): string | undefined {
  if (typeof name !== 'string' || notInName.test(name)) {
    return 'must have a name without =, ; and white space, of characters that a header can have'
  }
  if (typeof value !== 'string' || NOT_IN_VALUE.test(value)) {
    return 'must have a value without ; and white space around it, of characters that a header can have'
  }
  return wrongPair(name, value)
}

function isPath(path: unknown): path is string {
  return typeof path === 'string' && path.length <= 1024 && /^\/[\t\x20-\x3a\x3c-\x7e\x80-\xff]*$/.test(path)
}

function isSameSite(value: unknown): value is Cookie['sameSite'] {
  return value === undefined || value === 'strict' || value === 'lax' || value === 'none'
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value))
}

function isTrue(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw config(`${name} of a cookie must be true or false, not ${shown(value)}.`)
}
