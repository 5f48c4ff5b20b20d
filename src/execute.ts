/** Law 1: a call is an Observable, and each subscription prepares, counts and sends a request of its own. */
import { Observable, type Observer, type Subscriber } from 'rxjs'
import { Call } from './call.ts'
import type { Engine } from './engine.ts'
import type { HttpEvent } from './events.ts'
import type { Lazy } from './lazy.ts'
import { closedError, type Lifetime } from './lifetime.ts'
import { REPORT } from './monitor.ts'
import { prepareRequest, type Prepared, type Said } from './prepare.ts'
import { LIVE, type HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import type { Stack } from './stack.ts'
import { Reading } from './reading.ts'
import type { Reader } from './streaming.ts'
import type { BaseUrl } from './url.ts'
import type { Watching } from './watching.ts'

/** What a client is made of. */
export interface Parts {
  readonly base: BaseUrl | undefined
  readonly stack: Lazy<Stack>
  readonly engine: Lazy<Engine>
  readonly lifetime: Lifetime
  readonly watching: Watching
  readonly nextId: () => number
}

/** The whole answer to a request. */
export function whole(parts: Parts, said: Said): Observable<HttpResponse> {
  return execute(parts, said, (call, subscriber) => new Whole(call, subscriber))
}

/** Everything that happens in a call, the whole answer at last. */
export function everything(parts: Parts, said: Said): Observable<HttpEvent> {
  return execute(parts, said, (call, subscriber) => new Everything(call, subscriber))
}

/** What a reader makes of a live answer. */
export function live<T>(parts: Parts, said: Said, reader: Reader<T>): Observable<T> {
  return execute<T>(parts, said, (call, subscriber) => new Reading(call, reader, subscriber), true)
}

function execute<T>(
  { base, stack, lifetime, watching, nextId }: Parts,
  said: Said,
  observe: (call: Call, subscriber: Subscriber<T>) => Observer<HttpEvent>,
  isLive = false,
): Observable<T> {
  return new Observable<T>(subscriber => {
    const id = nextId()
    if (isClosed(lifetime)) throw closedError({ id, method: said.method ?? 'GET', url: String(said.url) })
    const prepared = prepareRequest(said, id, base)
    const { report } = watching
    const call = new Call(prepared.request, subscriber, lifetime, report)
    const start = (ready: Stack): void => {
      try {
        const request = annotate(prepared, ready, isLive, report)
        const way = isLive ? ready.ways.live : ready.ways.whole
        call.follow(way(request).subscribe(observe(call, subscriber)))
      } catch (error) {
        call.fail(error)
      }
    }
    // A body that was just made, or somebody who watches, may have ended the client or left.
    if (isClosed(lifetime)) call.fail(closedError(call.request))
    if (subscriber.closed) return call
    if (stack.now) start(stack.now)
    else {
      stack.load().then(
        ready => {
          if (!subscriber.closed) start(ready)
        },
        (error: unknown) => {
          call.fail(error)
        },
      )
    }
    return call
  })
}

function isClosed(lifetime: Lifetime): boolean {
  return lifetime.closed
}

function annotate(
  { request, options }: Prepared,
  stack: Stack,
  isLive: boolean,
  report: Watching['report'],
): HttpRequest {
  const merged = stack.optionsOf(options)
  let sent = merged === request.options ? request : request.with({ options: merged })
  if (isLive) sent = sent.note(LIVE, true)
  return report === undefined ? sent : sent.note(REPORT, report)
}

/** Hands on the events of a call and ends it as its source ends. */
class Everything implements Observer<HttpEvent> {
  readonly #call: Call
  readonly #subscriber: Subscriber<HttpEvent>

  constructor(call: Call, subscriber: Subscriber<HttpEvent>) {
    this.#call = call
    this.#subscriber = subscriber
  }

  next(event: HttpEvent): void {
    this.#call.report(event)
    if (event.type === 'response') this.#call.answered()
    this.#subscriber.next(event)
  }
  error(error: unknown): void {
    this.#call.fail(error)
  }
  complete(): void {
    this.#call.complete()
  }
}

/** Hands on the answer of a call and ends it as its source ends. */
class Whole implements Observer<HttpEvent> {
  readonly #call: Call
  readonly #subscriber: Subscriber<HttpResponse>

  constructor(call: Call, subscriber: Subscriber<HttpResponse>) {
    this.#call = call
    this.#subscriber = subscriber
  }

  next(event: HttpEvent): void {
    this.#call.report(event)
    if (event.type !== 'response') return
    this.#call.answered()
    this.#subscriber.next(event.response)
  }
  error(error: unknown): void {
    this.#call.fail(error)
  }
  complete(): void {
    this.#call.complete()
  }
}
