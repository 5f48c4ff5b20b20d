/** What can be said of event streams. */
import type { NextObserver } from 'rxjs'
import { limit, optional, size, type Check } from '../../src/index.ts'
import type { BackoffOptions } from '../again/backoff.ts'
import type { ConnectionState } from '../again/state.ts'
import type { ItemOptions } from '../reading/items.ts'
import { ITEM_CHECKS } from '../reading/options.ts'
import { eventReadings, type EventOf, type EventReadings } from './typed.ts'

/** Options of `sse`. Bad input throws `CONFIG`. */
export interface SseOptions<E extends EventReadings = EventReadings, R = EventOf<E>> extends ItemOptions<
  EventOf<E>,
  R
> {
  /**
   * The types of events that are wanted, and how their data is read: `'text'` as it came, a Standard Schema (zod, valibot,
   * arktype, `json<T>()`) as JSON. Others are left out. Default: all, as text.
   */
  readonly events?: E | undefined
  /** The most bytes of the data of an event; a longer one fails with `TOO_LARGE`. `false`: any number. Default: 1048576 (1 MiB). */
  readonly maxEvent?: number | false | undefined
}

/** Options of `eventSource`, beside those of the call: method, headers, body, query, and those of the client's plugins. */
export interface EventSourceOptions<E extends EventReadings = EventReadings, R = EventOf<E>> extends SseOptions<E, R> {
  /** The waits between connections. A `retry` of the server counts from `first` up to `mostAsked`, its `Retry-After` from 0. */
  readonly reconnect?: BackoffOptions | undefined
  /**
   * Milliseconds without a byte after which the connection is given up and made again; comments are bytes, and time in
   * which the projector holds the server back does not count. Set it to more than the heartbeat of the server. Default `false`: never.
   */
  readonly idle?: number | false | undefined
  /**
   * Told how the connection is doing (`connecting`, `open`, `waiting`, `closed`), as with a `BehaviorSubject`. It is never
   * completed, so that it serves one subscription after the other.
   */
  readonly state?: NextObserver<ConnectionState> | undefined
}

/** What is wanted of each of {@link SseOptions}. */
export const SSE_CHECKS: Readonly<Record<keyof SseOptions, Check>> = {
  ...ITEM_CHECKS,
  events: optional(eventReadings),
  maxEvent: optional(size),
}

const observer: Check = value =>
  typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function'
    ? undefined
    : 'an observer, as a Subject is'

/** What is wanted of each of {@link EventSourceOptions}; `reconnect` is looked into by itself. */
export const SOURCE_CHECKS: Readonly<Record<keyof EventSourceOptions, Check>> = {
  ...SSE_CHECKS,
  reconnect: () => undefined,
  idle: optional(limit),
  state: optional(observer),
}
