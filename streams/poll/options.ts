/** What can be said of polls. */
import type { ObservableInput } from 'rxjs'
import type { HttpResponse } from '../../src/index.ts'
import type { BackoffOptions } from '../again/backoff.ts'
import type { Change } from '../again/change.ts'
import type { Visibility } from './visibility.ts'

/** A request that did not work, and when the next one is sent. */
export interface PollFailure {
  /** An `HttpError`; an answer that is no success comes as `STATUS`. */
  readonly error: unknown
  /** How many requests failed in a row, from 1. */
  readonly count: number
  /** Milliseconds until the next request. */
  readonly delay: number
}

/** What `poll` and `longPoll` have in common. */
export interface RepeatOptions<R> {
  /**
   * Makes what is emitted of an answer; the next request is sent when what it returns has completed, so that an answer that
   * takes long to work on holds back the next. `index` counts the answers from 0. Default: the answer itself.
   */
  readonly project?: ((response: HttpResponse, index: number) => ObservableInput<R>) | undefined
  /** How long to wait after failures. Default: up to 1 s after the first, twice as much after each further one, up to 30 s. */
  readonly backoff?: BackoffOptions | undefined
  /** Told of each failure that is waited out; what it throws ends the poll. Default: none, failures are silent. */
  readonly onFailure?: ((failure: PollFailure) => void) | undefined
}

/** Options of `poll`, beside those of the call. Bad input fails with `CONFIG`. */
export interface PollOptions<R = HttpResponse> extends RepeatOptions<R> {
  /** Milliseconds from the end of one answer to the next request, at least 10. */
  readonly every: number
  /**
   * Asks with `If-None-Match` and `If-Modified-Since` whether there is anything new since the last answer; where a GET or HEAD has no such
   * header, nor a `Range`, of its own. Default true.
   */
  readonly conditional?: boolean | undefined
  /** Sends nothing while this is hidden, and what was due meanwhile as soon as it is seen again: `document` in a page. Default: none. */
  readonly visibility?: Visibility | undefined
}

/** Where one is in what a server has to tell. */
export type Cursor = string | number | bigint

/** Options of `longPoll`, beside those of the call. Bad input fails with `CONFIG`. */
export interface LongPollOptions<C extends Cursor = Cursor, R = HttpResponse> extends RepeatOptions<R> {
  /**
   * Reads from an answer where the next request goes on. What it throws ends the poll; `undefined` or `null`, or the cursor there was
   * before, means that the answer had nothing new.
   */
  readonly cursor: (response: HttpResponse) => C | null | undefined
  /** Says where to go on: `cursor => ({ query: { since: cursor } })`, or params, headers, a body. */
  readonly next: (cursor: NoInfer<C>) => Change
  /** The cursor of the first request, to go on where an earlier poll ended. Default: none; the first request is sent as the call says. */
  readonly from?: NoInfer<C> | undefined
  /** Milliseconds from request to request, at least 10, while nothing new comes. Default 1 000. */
  readonly spacing?: number | undefined
}
