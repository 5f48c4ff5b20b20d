/** The request a redirect leads to (Fetch §4.4, "HTTP-redirect fetch"), without what the new place must not see. */
import { LED_BY, STRAYED, type HttpHeaders, type HttpRequest } from '../../src/index.ts'
import type { RedirectOptions } from './options.ts'

/** What any origin may see. A safe-list: the next secret header's name is not known yet. */
const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'accept-encoding',
  'user-agent',
  'range',
  'if-range',
  'content-type',
  'content-language',
  'content-encoding',
  'content-length',
])

/** Makes the request for `url`, as an answer with this status wants it. */
export function hop(request: HttpRequest, status: number, url: URL, options: RedirectOptions): HttpRequest {
  const method = methodAfter(status, request.method)
  const kept = method === request.method
  const headers = kept ? request.headers : request.headers.filter(name => !describesBody(name))
  const trusted = mayFollow(request.origin, url.origin, options)
  const following = request.with({
    method,
    url: url.href,
    body: kept ? request.body : undefined,
    headers: trusted ? headers : harmless(headers, options),
  })
  // From here on another origin has a say in where this goes, also when it leads back home.
  if (trusted) return following
  return following.note(STRAYED, true).note(LED_BY, [...(request.read(LED_BY) ?? []), request.origin])
}

/** True when the body has to be sent again. */
export function repeatsBody(request: HttpRequest, status: number): boolean {
  return request.body !== undefined && methodAfter(status, request.method) === request.method
}

function methodAfter(status: number, method: string): string {
  if (status === 303) return method === 'HEAD' ? method : 'GET'
  return (status === 301 || status === 302) && method === 'POST' ? 'GET' : method
}

/** An idempotency key names the operation that the new method is not. */
function describesBody(name: string): boolean {
  return /^(?:content-|idempotency-key$)/i.test(name)
}

function mayFollow(from: string, to: string, { trustedOrigins }: RedirectOptions): boolean {
  return from === to || trustedOrigins.includes(to)
}

function harmless(headers: HttpHeaders, { keepHeaders }: RedirectOptions): HttpHeaders {
  const kept = keepHeaders.map(name => name.toLowerCase())
  return headers.filter(name => HARMLESS.has(name.toLowerCase()) || kept.includes(name.toLowerCase()))
}
