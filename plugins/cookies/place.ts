/** Where a cookie comes from and where one goes: host, path, and whether others can read along. */
import { getPublicSuffix } from 'tough-cookie'
import { config, redactUrl, shown } from '../../src/index.ts'

/** What of a url matters to cookies. */
export interface Place {
  /** In lower case, without a dot behind. */
  readonly host: string
  /** Begins with a slash; without the query. */
  readonly path: string
  /** True when nobody can read along. */
  readonly secure: boolean
}

/** The place of an absolute, normalised url. With `localhost`, this machine is secure without TLS. */
export function placeOf(url: string, localhost: boolean): Place {
  const hostAt = url.indexOf('//') + 2
  const pathAt = url.indexOf('/', hostAt)
  const queryAt = url.indexOf('?', pathAt)
  const host = hostOf(url.slice(hostAt, pathAt))
  const secure = url.startsWith('https:') || url.startsWith('wss:') || (localhost && isLocal(host))
  return { host, path: queryAt < 0 ? url.slice(pathAt) : url.slice(pathAt, queryAt), secure }
}

/** The place of a url as a user writes it. Throws `CONFIG` for what is no absolute http(s) or ws(s) url. */
export function placeOfAny(input: string | URL, localhost: boolean): Place {
  const url = URL.parse(String(input))
  if (url === null) throw config(`Cookies are kept by absolute url, not by ${shown(String(input))}.`)
  if (!/^(?:https?|wss?):$/.test(url.protocol)) {
    throw config(`${redactUrl(url.href)} has the scheme ${url.protocol}, which has no cookies; http: and https: have.`)
  }
  return placeOf(`${url.protocol}//${url.host}${url.pathname}`, localhost)
}

/** Host names match by labels: `a.example.com` matches `example.com`; `badexample.com` and addresses do not (RFC 6265bis §5.1.3). */
export function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true
  return host.endsWith(domain) && host[host.length - domain.length - 1] === '.' && !isAddress(host)
}

/** Paths match by segments: `/a/b` matches `/a` and `/a/`, `/ab` does not (RFC 6265bis §5.1.4). */
export function pathMatches(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false
  const { length } = cookiePath
  return path.length === length || cookiePath[length - 1] === '/' || path[length] === '/'
}

/** What a cookie without a path is for: everything beside the page that set it (RFC 6265bis §5.1.4). */
export function defaultPath(path: string): string {
  const end = path.lastIndexOf('/')
  return end <= 0 ? '/' : path.slice(0, end)
}

/** The host and the domains above it, but for those nobody can own. None above an address. */
export function domainsOf(host: string): readonly string[] {
  const domains = [host]
  if (isAddress(host)) return domains
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    const domain = host.slice(dot + 1)
    if (domain.includes('.')) domains.push(domain)
  }
  return domains
}

/** True for a domain under which strangers have theirs: `com`, `co.uk`, `github.io`, and any name of one label. */
export function isPublicSuffix(domain: string): boolean {
  if (!domain.includes('.')) return true
  return ownedDomain(domain) === undefined
}

/** What is one site: of the same scheme, and the same host or below the same domain that somebody owns (HTML, "same site"). */
export function siteOf(origin: string): string {
  const { protocol, hostname } = new URL(origin)
  const name = hostOf(hostname)
  const site = isAddress(name) ? name : (ownedDomain(name) ?? name)
  // A name with a dot behind is another one, as it is for browsers.
  return `${protocol}//${site}${hostname.endsWith('.') ? '.' : ''}`
}

function ownedDomain(domain: string): string | undefined {
  return getPublicSuffix(domain, { allowSpecialUseDomain: true, ignoreError: true })
}

/** True for IP addresses, as the URL standard writes them. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host)
}

function hostOf(authority: string): string {
  const host = authority.replace(/:\d*$/, '')
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
