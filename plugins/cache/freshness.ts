/** How long an answer is fresh, by http-cache-semantics. It is asked in words it reads right: see docs/decisions.md. */
import CachePolicy from 'http-cache-semantics'
import { parseHttpDate } from '../../src/index.ts'
import type { HttpHeaders } from '../../src/index.ts'
import type { Rules } from './rules.ts'

/** A guess is never good for longer (RFC 9111 §4.2.2 leaves it to us), in milliseconds. */
const LONGEST_GUESS = 24 * 3_600_000

/** Beyond this it is for ever, in milliseconds. */
const FOREVER = 2_147_483_648_000

/** What freshness is computed from. */
export interface Judged {
  readonly url: string
  readonly status: number
  readonly headers: HttpHeaders
  readonly rules: Rules
  /** When the server made the answer, in milliseconds since the epoch. */
  readonly date: number
  readonly shared: boolean
  /** Whether the request carried credentials. */
  readonly authorized: boolean
  /** The part of the time since `Last-Modified` for which an answer without a lifetime is fresh. */
  readonly heuristic: number
}

/** For how many milliseconds an answer is fresh; `undefined` when it must not be kept. */
export function lifetimeOf({ url, status, headers, rules, date, ...judged }: Judged): number | undefined {
  const words: Record<string, string> = { date: new Date(date).toUTCString() }
  const control = controlOf(rules)
  if (control !== '') words['cache-control'] = control
  const expires = headers.get('expires')
  // What is no date is in the past (RFC 9111 §5.3), several of them too.
  if (expires !== undefined) words['expires'] = dateOf(expires, date) ?? new Date(0).toUTCString()
  const modified = dateOf(headers.get('last-modified') ?? '', date)
  if (modified !== undefined) words['last-modified'] = modified
  const policy = new CachePolicy(
    { url, method: 'GET', headers: judged.authorized ? { authorization: 'yes' } : {} },
    { status, headers: words },
    { shared: judged.shared, cacheHeuristic: judged.heuristic, immutableMinTimeToLive: 0 },
  )
  if (!policy.storable()) return undefined
  const said =
    expires !== undefined || rules.maxAge !== undefined || (judged.shared && rules.sharedMaxAge !== undefined)
  return Math.min(policy.maxAge() * 1_000, said ? FOREVER : LONGEST_GUESS)
}

/** The directives it knows, in lower case, without quotes and doubles. What it takes too strictly or too loosely is left out. */
function controlOf(rules: Rules): string {
  const words: string[] = []
  if (rules.maxAge !== undefined) words.push(`max-age=${rules.maxAge / 1_000}`)
  if (rules.sharedMaxAge !== undefined) words.push(`s-maxage=${rules.sharedMaxAge / 1_000}`)
  if (rules.isPublic) words.push('public')
  if (rules.isPrivate) words.push('private')
  if (rules.mustRevalidate) words.push('must-revalidate')
  return words.join(', ')
}

function dateOf(text: string, now: number): string | undefined {
  const time = parseHttpDate(text.trim(), now)
  return time === undefined ? undefined : new Date(time).toUTCString()
}
