/** What a server says of how its answer may be kept and used (RFC 9111 §5.2.2, RFC 5861, RFC 8246). Times are milliseconds. */
import type { HttpHeaders } from '../../src/index.ts'
import { CacheControl, pragmaForbids } from './directives.ts'

/** The directives of an answer that is not forbidden to be kept. */
export interface Rules {
  readonly maxAge: number | undefined
  readonly sharedMaxAge: number | undefined
  readonly isPublic: boolean
  readonly isPrivate: boolean
  /** Never used before the server was asked. */
  readonly noCache: boolean
  readonly mustRevalidate: boolean
  readonly proxyRevalidate: boolean
  readonly immutable: boolean
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
}

/** All that are registered for answers, and some that once were in use; of others nobody knows what they forbid. */
const KNOWN: ReadonlySet<string> = new Set([
  'max-age',
  's-maxage',
  'public',
  'private',
  'no-cache',
  'no-store',
  'no-transform',
  'must-revalidate',
  'proxy-revalidate',
  'must-understand',
  'immutable',
  'stale-while-revalidate',
  'stale-if-error',
  // Meant for requests, and sent all the same.
  'max-stale',
  'min-fresh',
  'only-if-cached',
  'pre-check',
  'post-check',
])

/**
 * Reads the rules of an answer; a text is the reason why it must not be kept. Of several values the strictest counts: a
 * directive that forbids does so whatever its argument, one that allows only when it is clear what.
 */
export function rulesOf(headers: HttpHeaders): Rules | string {
  const header = headers.get('cache-control')
  const control = header === undefined ? CacheControl.none : new CacheControl(header)
  if (!control.valid) return 'cache-control cannot be read'
  if (control.has('no-store')) return 'no-store'
  for (const name of control.names) if (!KNOWN.has(name)) return 'cache-control has an unknown directive'
  return {
    maxAge: lifetime(control, 'max-age'),
    sharedMaxAge: lifetime(control, 's-maxage'),
    isPublic: control.bare('public'),
    isPrivate: control.has('private'),
    // Of an answer it says nothing by the letter, and is meant all the same.
    noCache: control.has('no-cache') || (header === undefined && pragmaForbids(headers)),
    mustRevalidate: control.has('must-revalidate'),
    proxyRevalidate: control.has('proxy-revalidate'),
    immutable: control.bare('immutable'),
    staleWhileRevalidate: lifetime(control, 'stale-while-revalidate') ?? 0,
    staleIfError: lifetime(control, 'stale-if-error') ?? 0,
  }
}

/** What is unclear is over (RFC 9111 §4.2.1). */
function lifetime(control: CacheControl, name: string): number | undefined {
  const seconds = control.seconds(name)
  return seconds === undefined ? undefined : Number.isNaN(seconds) ? 0 : seconds * 1_000
}
