/** What can be said of continuing. */
import type { RetryBudget } from '../../src/index.ts'

/** Options of `resume`. Bad input throws `CONFIG`. */
export interface ResumeOptions {
  /**
   * Continuations at most in a row that bring less than 64 KiB each; one that brings more starts the count anew.
   * 0 for none. Default 5.
   */
  readonly times: number
  /**
   * Milliseconds to wait before the `n`th continuation in a row, counted from 1; what it throws, and what is no time, fails
   * the call. A longer `Retry-After` of the server wins. Default: a random part of 100 ms · 2ⁿ⁻¹, at most 20 s.
   */
  readonly delay: (n: number, error: unknown) => number
  /** The longest `Retry-After` that is waited for, in milliseconds; a longer one ends the call. `false` for no cap. Default 60 000. */
  readonly retryAfterCap: number | false
  /**
   * What bounds the continuations at one origin; give the one of `retry` to have both count as one. When it is used up, the
   * error says `budgetExhausted`. Default: one for each client, of 10 a second plus one for five calls. `false` for no bound.
   */
  readonly budget: RetryBudget | false | undefined
}

const LONGEST_DELAY = 20_000

/** Full jitter: somewhere between nothing and 100 ms · 2ⁿ⁻¹, at most 20 s. */
export function fullJitter(n: number): number {
  return Math.random() * Math.min(LONGEST_DELAY, 100 * 2 ** (n - 1))
}
