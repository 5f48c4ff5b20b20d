/** Which cookies a place may set, and what they become (RFC 6265bis §5.7). */
import type { Cookie } from '../../src/index.ts'
import { defaultPath, domainMatches, isAddress, isPublicSuffix, type Place } from './place.ts'
import type { SetCookie } from './set-cookie.ts'

/** The longest a cookie lives, whatever its server said: 400 days, in milliseconds (RFC 6265bis §5.5). */
export const LONGEST_LIFE: number = 400 * 24 * 60 * 60 * 1000

/** Makes the cookie that was meant. A text says why the place may not set it. */
export function admitted(said: SetCookie, place: Place, now: number): Cookie | string {
  const { name, value, secure, httpOnly, sameSite } = said
  const domain = domainFor(said, place.host)
  if (typeof domain === 'string') return domain
  const path = said.path ?? defaultPath(place.path)
  const cookie: Cookie = Object.freeze({
    name,
    value,
    ...domain,
    path,
    secure,
    httpOnly,
    sameSite,
    expiresAt: endOf(said, now),
    createdAt: now,
  })
  if (secure && !place.secure) return 'is Secure, which only https may set'
  if (sameSite === 'none' && !secure) return 'has SameSite=None without Secure'
  return wrongPrefix(cookie, said.pathSaid) ?? cookie
}

function domainFor({ domain: said, hostOnly }: SetCookie, host: string): Pick<Cookie, 'domain' | 'hostOnly'> | string {
  if (hostOnly && said !== '' && said !== host) return 'is for another host alone'
  if (said === '' || (said === host && (hostOnly || isAddress(host) || isPublicSuffix(host))))
    return { domain: host, hostOnly: true }
  if (/[^\0-\x7f]/.test(said)) return 'has a domain outside of ASCII'
  if (!domainMatches(host, said)) return 'is for a domain that its host is not in'
  if (isPublicSuffix(said)) return 'is for a domain under which strangers have theirs'
  return { domain: said, hostOnly: false }
}

/** `Max-Age` counts more than `Expires`; what lived too long by either is cut to 400 days. */
function endOf({ maxAge, expires }: SetCookie, now: number): number | undefined {
  if (maxAge === undefined && expires === undefined) return undefined
  const asked = maxAge === undefined ? (expires ?? 0) : maxAge <= 0 ? 0 : now + maxAge * 1000
  return Math.min(asked, now + LONGEST_LIFE)
}

const PREFIX = /^__(?:secure|host-http|host|http)-/i

/** Names that promise how the cookie was set; without regard to case, because servers may compare so. */
function wrongPrefix(
  { name, value, domain, hostOnly, path, secure, httpOnly }: Cookie,
  pathSaid: boolean,
): string | undefined {
  if (name === '') return PREFIX.test(value) ? 'has no name and a value that looks like one with a prefix' : undefined
  const prefix = PREFIX.exec(name)?.[0]
  if (prefix === undefined) return undefined
  if (!secure) return `begins with ${prefix} and is not Secure`
  if (/http-$/i.test(prefix) && !httpOnly) return `begins with ${prefix} and is not HttpOnly`
  if (/^__host-/i.test(prefix) && !(hostOnly && pathSaid && path === '/')) {
    return `begins with ${prefix} and is not for all of ${domain} alone`
  }
  return undefined
}
