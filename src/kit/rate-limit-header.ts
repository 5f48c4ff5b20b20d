/** Kit for authors: what a server says of its limits (draft-ietf-httpapi-ratelimit-headers, and what came before it). */
import { clock } from '../clock.ts'
import type { ResponseHead } from '../events.ts'
import type { HttpHeaders } from '../headers.ts'
import { parseHttpDate } from './http-date.ts'
import { itemsOf, type Item } from './structured-items.ts'

/** One limit, as far as the server told of it. */
export interface RateLimit {
  /** The name of the policy; `undefined` in the older forms, which have one limit and no name for it. */
  readonly policy: string | undefined
  /** How much may be used up in one window. */
  readonly limit: number | undefined
  /** How much is left of it. 0: the next request will be refused. */
  readonly remaining: number | undefined
  /** Milliseconds until the limit is there again, from the moment of the answer; 0 for a time in the past. */
  readonly resetMs: number | undefined
  /** How long a window is, in milliseconds. */
  readonly windowMs: number | undefined
  /** What is counted (`qu`), such as `requests` or `content-bytes`; `undefined` where it is not told. */
  readonly unit: string | undefined
}

/**
 * Reads the limits in the head of an answer, in the first of these forms that is there:
 *
 * - `RateLimit: "burst";r=0;t=30` with `RateLimit-Policy: "burst";q=100;w=60`, any number of each, joined by name. `RateLimit` in the form
 *   of earlier drafts too (`limit=100, remaining=0, reset=30`).
 * - `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`.
 * - `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset`.
 *
 * A reset of the older forms is a number of seconds from now, or where it is at least 1 000 000 000 a moment in seconds since the epoch
 * (GitHub), from 100 000 000 000 on in milliseconds; a moment is measured against the `Date` of the answer. What is no field of these forms is
 * ignored, and so is a number of more than 15 digits: a server cannot make anybody wait for ever by a slip. Structured fields are
 * whole or nothing (RFC 9651 §4.2).
 *
 * @example
 * ```ts
 * import { HttpHeaders, rateLimits } from 'sluice'
 *
 * const headers = HttpHeaders.of({ ratelimit: '"burst";r=3;t=30', 'ratelimit-policy': '"burst";q=100;w=60' })
 * const [burst] = rateLimits({ headers })
 * console.log(burst?.policy, burst?.remaining, burst?.limit, burst?.resetMs) // burst 3 100 30000
 * ```
 */
export function rateLimits(head: Pick<ResponseHead, 'headers'>): readonly RateLimit[] {
  const structured = structuredLimits(head)
  return structured.length > 0 ? structured : olderLimits(head)
}

/** For `retryAfter`: how many milliseconds until the limits of a refused request are there again. */
export function untilReset(head: Pick<ResponseHead, 'headers'>): number | undefined {
  // Of several limits only those that are used up can be the reason.
  const spent = structuredLimits(head).filter(({ remaining }) => remaining === 0)
  return longest(spent) ?? longest(olderLimits(head))
}

function longest(limits: readonly RateLimit[]): number | undefined {
  const times = limits.flatMap(({ resetMs }) => (resetMs === undefined ? [] : [resetMs]))
  return times.length === 0 ? undefined : Math.max(...times)
}

function structuredLimits(head: Pick<ResponseHead, 'headers'>): readonly RateLimit[] {
  const { headers } = head
  const limits = itemsOf(headers.get('ratelimit') ?? '')
  const policies = itemsOf(headers.get('ratelimit-policy') ?? '').map(policyOf)
  if (limits.some(({ key }) => key !== undefined)) return [keyedLimit(limits, policies, head)]
  const named = new Map(policies.flatMap(one => (one.policy === undefined ? [] : [[one.policy, one] as const])))
  // What is not near its end need not be told of; its policy still is.
  for (const { value, params } of limits) {
    if (typeof value !== 'string') continue
    const resetMs = inMs(amount(params.get('t')))
    named.set(value, { ...NOTHING, ...named.get(value), policy: value, remaining: amount(params.get('r')), resetMs })
  }
  return [...named.values()]
}

function policyOf({ value, params }: Item): RateLimit {
  const unit = params.get('qu')
  return {
    policy: typeof value === 'string' ? value : undefined,
    limit: typeof value === 'number' ? amount(value) : amount(params.get('q')),
    remaining: undefined,
    resetMs: undefined,
    windowMs: inMs(amount(params.get('w'))),
    unit: typeof unit === 'string' ? unit : undefined,
  }
}

/** `RateLimit: limit=100, remaining=50, reset=5` and `RateLimit-Policy: 100;w=60` (draft 7). */
function keyedLimit(
  items: readonly Item[],
  policies: readonly RateLimit[],
  head: Pick<ResponseHead, 'headers'>,
): RateLimit {
  const read = (wanted: string): number | undefined => amount(items.findLast(({ key }) => key === wanted)?.value)
  const limit = read('limit')
  const windowMs = policies.find(one => one.limit === limit)?.windowMs
  return { ...NOTHING, limit, remaining: read('remaining'), resetMs: untilMoment(read('reset'), head), windowMs }
}

function olderLimits(head: Pick<ResponseHead, 'headers'>): readonly RateLimit[] {
  for (const prefix of ['ratelimit-', 'x-ratelimit-']) {
    const read = (name: string): Figures => figures(head.headers, prefix + name)
    const limit = read('limit')
    const remaining = read('remaining').amount
    const resetMs = untilMoment(read('reset').amount, head)
    if ([limit.amount, remaining, resetMs].every(figure => figure === undefined)) continue
    return [{ ...NOTHING, limit: limit.amount, remaining, resetMs, windowMs: inMs(limit.window) }]
  }
  return []
}

interface Figures {
  readonly amount: number | undefined
  readonly window: number | undefined
}

/** `100`, `100;w=3600` or `100, 100;w=3600`: the first number counts. A number of seconds may have a fraction. */
function figures(headers: HttpHeaders, name: string): Figures {
  const field = headers.get(name) ?? ''
  const first = /^[ \t]*(\d{1,15}(?:\.\d{1,9})?)[ \t]*(?:[;,]|$)/.exec(field)?.[1]
  if (first === undefined) return { amount: undefined, window: undefined }
  const window = /;[ \t]*w=(\d{1,15})(?!\d)/.exec(field)?.[1]
  return { amount: Number(first), window: window === undefined ? undefined : Number(window) }
}

const EPOCH_SECONDS = 1e9
const EPOCH_MS = 1e11

function untilMoment(reset: number | undefined, head: Pick<ResponseHead, 'headers'>): number | undefined {
  if (reset === undefined || reset < EPOCH_SECONDS) return inMs(reset)
  return Math.max((reset < EPOCH_MS ? reset * 1_000 : reset) - dateOf(head), 0)
}

/** When an answer was made: by its own `Date`, so that a wrong clock on either side does not matter, else by our clock. */
export function dateOf({ headers }: Pick<ResponseHead, 'headers'>): number {
  const now = clock.now()
  return parseHttpDate(headers.get('date') ?? '', now) ?? now
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000
}

const NOTHING: RateLimit = {
  policy: undefined,
  limit: undefined,
  remaining: undefined,
  resetMs: undefined,
  windowMs: undefined,
  unit: undefined,
}
