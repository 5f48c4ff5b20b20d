/** Server-sent events: a reader of one answer, and a source that connects again. */
import { EMPTY, defer, type Observable } from 'rxjs'
import {
  alarms,
  HttpError,
  shown,
  type CallOptions,
  type Client,
  type MethodOption,
  type Reader,
  type StreamingResponse,
  type Url,
} from '../src/index.ts'
import { BACKOFF, BACKOFF_CHECKS } from './again/backoff.ts'
import { settle } from './again/settings.ts'
import { items, type Project } from './reading/items.ts'
import { optionsOf } from './reading/options.ts'
import { asking, failing, refusal } from './sse/admit.ts'
import { SOURCE_CHECKS, SSE_CHECKS, type EventSourceOptions, type SseOptions } from './sse/options.ts'
import { parserOf } from './sse/parser-of.ts'
import { EventConnections } from './sse/source.ts'
import type { EventOf, EventReadings } from './sse/typed.ts'

export type { BackoffOptions } from './again/backoff.ts'
export type { ConnectionState } from './again/state.ts'
export type { ServerSentEvent } from './sse/event.ts'
export type { EventSourceOptions, SseOptions } from './sse/options.ts'
export { json, type DataReading, type EventOf, type EventReadings } from './sse/typed.ts'

/**
 * Reads the events of an answer while it comes (WHATWG HTML §9.2, `text/event-stream`); with a projector the next event is taken when
 * what it returned has completed, and the server is held back meanwhile. It is done when the answer is; use `eventSource` for a
 * stream that is to go on after that.
 *
 * The answer must be a 200 of `text/event-stream`, as the standard says: another status is the error `STATUS`, with the first 64 KiB
 * of its body, another type `BODY`; 204 has no events. Too long an event, or an id of more than 1 KiB, is `TOO_LARGE`; data that is
 * not what `events` says, `BODY`. An event that is cut off by the end of the answer is dropped, as the standard says.
 *
 * @example
 * ```ts
 * import { takeWhile } from 'rxjs'
 * import { createClient } from 'sluice'
 * import { sse } from 'sluice/streams/sse'
 *
 * createClient()
 *   .stream('https://api.example.com/chat', sse(), { method: 'POST', body: { prompt: 'Hello' } })
 *   .pipe(takeWhile(({ data }) => data !== '[DONE]'))
 *   .subscribe(({ data }) => console.log(JSON.parse(data).token)) // Hi
 * ```
 */
export function sse<R>(project: Project<EventOf<EventReadings>, R>): Reader<R>
export function sse<const E extends EventReadings = EventReadings, R = EventOf<E>>(
  options?: SseOptions<E, R>,
): Reader<R>
export function sse(given?: Project<never, unknown> | SseOptions<EventReadings, unknown>): Reader<unknown> {
  const options = optionsOf<SseOptions>('sse', given, SSE_CHECKS)
  const read = (response: StreamingResponse): Observable<unknown> => {
    if (response.status === 204) return EMPTY
    const refused = refusal(response)
    return refused === undefined ? items(response, parserOf(response, options), options) : failing(refused)
  }
  return Object.assign(read, { prepare: asking })
}

/**
 * Listens to events for as long as it is subscribed to: connects again when the connection breaks or ends, with full jitter and
 * `Last-Event-ID`, so that nothing is lost where the server remembers. Any method and body, sent again with every connection; each
 * goes through all plugins of the client, so that it has fresh tokens, its own retries, and a line in the log.
 *
 * What may pass is tried again, the first connection too: no connection, one that broke, timeouts, 408, 425, 429 and 5xx but 501 and 505; a
 * `Retry-After` and the stream's `retry` are respected, up to `reconnect.mostAsked`. 204 completes it, as does `client.close()`, and `client.cancel()` between two connections. All else is
 * its error: another status (`STATUS`), another content type (`BODY`), an event that is too long (`TOO_LARGE`) or cannot be read (`BODY`), a
 * body that cannot be sent twice (`BODY`), `client.cancel()` (`CANCELLED`). Throws `CONFIG` for wrong options.
 *
 * Not for an answer that has an end of its own, as that of a language model: that would be asked for again and again. Use
 * `client.stream(url, sse())`.
 *
 * @example
 * ```ts
 * import { take } from 'rxjs'
 * import { createClient } from 'sluice'
 * import { eventSource } from 'sluice/streams/sse'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * eventSource(client, 'prices', { idle: 60_000, reconnect: { first: 500 }, retry: false })
 *   .pipe(take(1))
 *   .subscribe(({ type, data }) => console.log(type, data)) // price {"symbol":"ABC","price":12.5}
 * ```
 */
export function eventSource<
  O,
  const U extends Url = Url,
  const E extends EventReadings = EventReadings,
  R = EventOf<E>,
>(client: Client<O>, url: U, ...args: SourceArg<U, O, E, R>): Observable<R>
export function eventSource(
  client: Client,
  url: Url,
  given: EventSourceOptions & MethodOption = {},
): Observable<unknown> {
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw new HttpError('CONFIG', `eventSource() is given an object of options, not ${shown(given)}.`, {
      phase: 'config',
    })
  }
  const entries = Object.entries(given)
  const ours = entries.filter(([name]) => Object.hasOwn(SOURCE_CHECKS, name))
  const theirs = entries.filter(([name]) => !Object.hasOwn(SOURCE_CHECKS, name))
  const options = optionsOf<EventSourceOptions>('eventSource', Object.fromEntries(ours), SOURCE_CHECKS)
  const backoff = settle('eventSource({ reconnect })', BACKOFF, BACKOFF_CHECKS, options.reconnect)
  const call = Object.assign(Object.create(null) as object, Object.fromEntries(theirs))
  const alarm = alarms()
  return defer(() => new EventConnections({ client, url, call, options, backoff, alarm }).run())
}

/** `[options?]`, or `[options]` where the url has params that must be given. */
type SourceArg<U, O, E extends EventReadings, R> =
  object extends CallOptions<U, O> ? [options?: SourceOptions<U, O, E, R>] : [options: SourceOptions<U, O, E, R>]

type SourceOptions<U, O, E extends EventReadings, R> = CallOptions<U, O & MethodOption> & EventSourceOptions<E, R>
