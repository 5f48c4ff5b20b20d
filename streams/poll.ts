/** Asks again and again: in an interval, or as soon as there is something new. */
import { defer, type Observable } from 'rxjs'
import {
  callback,
  flag,
  milliseconds,
  optional,
  type CallOptions,
  type Check,
  type Client,
  type HttpResponse,
  type MethodOption,
  type Url,
} from '../src/index.ts'
import { BACKOFF, BACKOFF_CHECKS } from './again/backoff.ts'
import { settle } from './again/settings.ts'
import { split, type Checks } from './again/split.ts'
import { isCursor, LongPolling, type LongPolled } from './poll/long-polling.ts'
import type { Cursor, LongPollOptions, PollOptions, RepeatOptions } from './poll/options.ts'
import { Polling, type Polled } from './poll/polling.ts'
import { LEAST, type Repeated } from './poll/repeating.ts'
import { visibility } from './poll/visibility.ts'

export type { BackoffOptions } from './again/backoff.ts'
export type { Change } from './again/change.ts'
export type { Cursor, LongPollOptions, PollFailure, PollOptions, RepeatOptions } from './poll/options.ts'
export type { Visibility } from './poll/visibility.ts'

const spacing: Check = value =>
  milliseconds(value) === undefined && (value as number) >= LEAST
    ? undefined
    : `a number of milliseconds of at least ${LEAST}`

// What backoff has is looked at field by field, see `repeated`.
const repeats = { project: optional(callback), onFailure: optional(callback), backoff: () => undefined }
const polls: Checks<PollOptions<unknown>> = {
  ...repeats,
  every: spacing,
  conditional: flag,
  visibility: optional(visibility),
}
const longPolls: Checks<LongPollOptions<never, unknown>> = {
  ...repeats,
  cursor: callback,
  next: callback,
  from: optional(isCursor),
  spacing,
}

/**
 * Sends a request every so many milliseconds and emits the answers. The next one is sent `every` milliseconds after the last
 * answer was there and `project` was done with it: there are never two at once, however slow the server is.
 *
 * 204 and 304 mean "nothing new" and emit nothing; a GET is conditional as soon as an answer had an `ETag` or `Last-Modified`.
 * What may go away by itself (no connection, one that broke off, timeouts, 408, 425, 429, 5xx) is waited out, longer each
 * time and jittered; `onFailure` hears of it and may throw to end the poll. Everything else is the poll's error, an answer that
 * is no success as `STATUS`. `Retry-After` is respected, after successes too.
 *
 * It goes on until it is left, as by `takeWhile`. When its client is closed it completes: with the answer it waits for, or else
 * as soon as the client has ended or the next request is due. Answers without a validator come every time; `distinctUntilChanged` compares them. Where the server
 * can wait for news, `longPoll` has them earlier and asks less.
 *
 * Throws `CONFIG` for options that cannot be, an `every` below 10 ms among them.
 *
 * @example
 * ```ts
 * import { map, takeWhile } from 'rxjs'
 * import { createClient } from 'sluice'
 * import { poll } from 'sluice/streams/poll'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * poll(client, 'jobs/7', { every: 50 })
 *   .pipe(
 *     map(response => response.json<{ done: boolean }>()),
 *     takeWhile(job => !job.done, true),
 *   )
 *   .subscribe({ complete: () => console.log('the job is done') }) // the job is done
 * ```
 */
export function poll<R = HttpResponse, const U extends Url = Url, O = object>(
  client: Client<O>,
  url: U,
  options: PollOptions<R> & CallOptions<U, O & MethodOption>,
): Observable<R> {
  const defaults = { every: undefined as unknown as number, conditional: true }
  const { settled, call } = split<PollOptions<unknown>>('poll', options, defaults, polls, ['every'])
  const how = repeated('poll', settled) as Polled
  return defer(() => new Polling(client as Client, url, call, how).run()) as Observable<R>
}

/**
 * Sends a request that the server answers when it has something to tell, and the next one at once: with the cursor that was read
 * from the last answer. The cursor survives failures, so that nothing is lost, and `from` goes on where an earlier poll ended.
 *
 * 204, 304, 408, 504 and a `TIMEOUT` while waiting for the answer (`headers`, `idle`, `attempt`) mean "nothing new" and emit nothing. While nothing
 * new comes, which is also an answer that leaves the cursor where it was, there are at least `spacing` milliseconds from
 * request to request, so that a server that answers at once is not asked in a tight loop. Other failures are treated, and the
 * poll ends, as with `poll`.
 *
 * The server has to answer before `timeout({ headers })` ends the wait; give the call a longer one. For events that a server sends
 * as a stream use `eventSource`, which loses less time between them.
 *
 * @example
 * ```ts
 * import { take } from 'rxjs'
 * import { createClient } from 'sluice'
 * import { longPoll } from 'sluice/streams/poll'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * longPoll(client, 'updates', {
 *   cursor: response => response.json<{ last: number }>().last,
 *   next: last => ({ query: { after: last } }),
 *   from: 41,
 *   timeout: { headers: 60_000 },
 * })
 *   .pipe(take(2))
 *   .subscribe(response => console.log(response.json())) // { last: 43 }
 * ```
 */
export function longPoll<C extends Cursor, R = HttpResponse, const U extends Url = Url, O = object>(
  client: Client<O>,
  url: U,
  options: LongPollOptions<C, R> & CallOptions<U, O & MethodOption>,
): Observable<R> {
  const missing = undefined as unknown as () => never
  const defaults = { cursor: missing, next: missing, spacing: 1_000 }
  const { settled, call } = split('longPoll', options as LongPollOptions<never, unknown>, defaults, longPolls, [
    'cursor',
    'next',
  ])
  const how = repeated('longPoll', settled) as unknown as LongPolled
  return defer(() => new LongPolling(client as Client, url, call, how).run()) as Observable<R>
}

function repeated<T extends RepeatOptions<unknown>>(what: string, settled: T): T & Repeated {
  // The settled ones have no prototype that somebody could have written on.
  return Object.assign(settled, { backoff: settle(`${what}: backoff`, BACKOFF, BACKOFF_CHECKS, settled.backoff) })
}
