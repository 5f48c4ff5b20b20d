/** What can be said of retries. */
import type { HttpRequest, Outcome, RetryBudget } from '../../src/index.ts'

/** What is about to be sent again, and why. */
export interface RetryEvent {
  /** Which send it will be, counted from 1: 2 for the first retry. */
  readonly attempt: number
  /** Milliseconds until then. */
  readonly delay: number
  /** `status 503`, `RESET (headers)`, … */
  readonly reason: string
  readonly outcome: Outcome
  readonly request: HttpRequest
}

/** Options of `retry`. Bad input throws `CONFIG`. */
export interface RetryOptions {
  /** Further attempts at most; 0 for none. Default 2, so at most 3 in all. */
  readonly times: number
  /**
   * Milliseconds to wait before the `n`th retry, counted from 1; what it throws, and what is no time, fails the call.
   * A longer `Retry-After` of the server wins. Default: a random part of 100 ms · 2ⁿ⁻¹ (500 ms after 429 and 503),
   * at most 20 s.
   */
  readonly delay: (n: number, outcome: Outcome) => number
  /** Answers worth another attempt. Default 408, 425, 429, 502, 503, 504. */
  readonly statuses: readonly number[]
  /**
   * Methods that may be sent twice, in capitals. Default: the idempotent ones. Whatever the method, a request that
   * provably never reached the server, or that has an `Idempotency-Key`, may be sent again too.
   */
  readonly methods: readonly string[]
  /** Gives a POST or PATCH an `Idempotency-Key`, the same in all its attempts, so that it may be sent again. Default false. */
  readonly idempotencyKey: boolean
  /** The longest `Retry-After` that is waited for, in milliseconds; a longer one ends the attempts. `false` for no cap. Default 60 000. */
  readonly retryAfterCap: number | false
  /**
   * What bounds the retries to one origin. When it is used up, the outcome stands, and an error says `budgetExhausted`.
   * Default: one for each client, of 10 retries a second plus one for five requests. `false` for no bound.
   */
  readonly budget: RetryBudget | false | undefined
  /**
   * Decides instead of `statuses` and the list of errors whether an outcome is worth another attempt; it sees whole
   * answers with their body. `undefined` leaves it to them. Methods and bodies are checked all the same. Default none.
   */
  readonly when: ((outcome: Outcome, request: HttpRequest) => boolean | undefined) | undefined
  /** Told of each retry before the wait; what it throws fails the call. Default none. */
  readonly onRetry: ((event: RetryEvent) => void) | undefined
}
