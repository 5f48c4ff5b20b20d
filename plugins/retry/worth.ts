/** What is worth another attempt, what has provably not been seen, and how long to wait in between. */
import { isHttpError, isTransient, type Outcome } from '../../src/index.ts'

/** Why an outcome is worth another attempt, for people; `undefined` when it is not. */
export function worthRepeating({ head, error }: Outcome, statuses: readonly number[]): string | undefined {
  if (head !== undefined) return statuses.includes(head.status) ? `status ${head.status}` : undefined
  if (!isHttpError(error) || !isTransient(error)) return undefined
  return error.phase === undefined ? error.code : `${error.code} (${error.phase})`
}

/** True when the peer has provably not seen the request, so that any method may be sent again. */
export function isUnsent({ error }: Outcome): boolean {
  return isHttpError(error) && error.requestWritten === 'no'
}

const LONGEST_DELAY = 20_000

/**
 * Full jitter: somewhere between nothing and 100 ms · 2ⁿ⁻¹, at most 20 s; five times that when the peer asks for less
 * (429, 503, HTTP/2 ENHANCE_YOUR_CALM).
 */
export function fullJitter(n: number, { head, error }: Outcome): number {
  const throttled = head?.status === 429 || head?.status === 503 || (isHttpError(error) && error.h2Code === 0xb)
  return Math.random() * Math.min(LONGEST_DELAY, (throttled ? 500 : 100) * 2 ** (n - 1))
}
