/** Kit for plugin authors: how long a server asks to wait. */
import type { ResponseHead } from '../events.ts'
import { parseHttpDate } from './http-date.ts'
import { dateOf, untilReset } from './rate-limit-header.ts'

/**
 * How many milliseconds the server asks to wait before the next request, or `undefined` when it does not say.
 *
 * `Retry-After` is read as whole seconds or as a date in one of the three forms of HTTP, which is measured against the
 * answer's own `Date` where it has one, so that a wrong clock on either side does not matter. Only when it is missing
 * from a 429 the rate limit fields are asked: `RateLimit` (`r=0;t=30`), `RateLimit-Reset`, `X-RateLimit-Reset`; see {@link rateLimits}.
 * What is in the past is 0; what is none of this is ignored.
 */
export function retryAfter(head: ResponseHead): number | undefined {
  const { headers, status } = head
  const asked = headers.get('retry-after')
  if (asked !== undefined) return secondsOf(asked) ?? untilDate(asked.trim(), head)
  return status === 429 ? untilReset(head) : undefined
}

function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[ \t]*\d+[ \t]*$/.test(text) ? Number(text) * 1_000 : undefined
}

function untilDate(text: string, head: ResponseHead): number | undefined {
  const date = dateOf(head)
  const time = parseHttpDate(text, date)
  return time === undefined ? undefined : Math.max(time - date, 0)
}
