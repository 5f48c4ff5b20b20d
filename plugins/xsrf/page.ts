/** What a page knows: where it is, and its cookies. Elsewhere there is no page. */

/** The origin of the page or worker this runs in; `undefined` where there is none, and for one that is opaque (`file:`, a sandbox). */
export function pageOrigin(): string | undefined {
  // What stands on the prototype of everything is no page.
  if (Object.hasOwn(Object.prototype, 'location')) return undefined
  const { location } = globalThis as { readonly location?: { readonly origin?: unknown } }
  const origin = location?.origin
  return typeof origin === 'string' && /^https?:/.test(origin) ? origin : undefined
}

/** The cookies scripts may see, as in a `Cookie` header; `undefined` where there is no document. */
export function documentCookie(): string | undefined {
  if (Object.hasOwn(Object.prototype, 'document')) return undefined
  const { document } = globalThis as { readonly document?: { readonly cookie?: unknown } }
  try {
    const cookie = document?.cookie
    return typeof cookie === 'string' ? cookie : undefined
  } catch {
    // A sandbox has no cookies, and says so by throwing.
    return undefined
  }
}

/** Finds the token: the first cookie of the name that is not empty and that a header can carry. */
export function tokenIn(cookies: string | undefined, name: string): string | undefined {
  for (const pair of cookies?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (at < 0 || pair.slice(0, at).trim() !== name) continue
    const value = pair.slice(at + 1).trim()
    const token = [decoded(value), value].find(isSendable)
    if (token !== undefined) return token
  }
  return undefined
}

/** Whoever may set cookies for a page, as its subdomains may, could plant one that would fail every call. */
function isSendable(token: string): boolean {
  return /^[\t\x20-\x7e\xa0-\xff]+$/.test(token)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
