/** What events flow through inside a client: Observables that can also be run for a sink, without a Subscriber each. */
import { Observable, type Subscriber, type Unsubscribable } from 'rxjs'
import type { HttpEvent } from './events.ts'

/** Hears events, and nothing once it is closed. Every `Subscriber` is one. */
export interface Sink {
  /** True once nobody listens any more. */
  readonly closed: boolean
  next(event: HttpEvent): void
  error(error: unknown): void
  complete(): void
}

// The one subclass of Observable: fields in place of a closure, and a mark by which the core knows its own. Operators make
// plain Observables of it, so that nothing of this leaks into them.
/* eslint-disable rxjs-x/no-subclass -- for this class alone, as just said */

/**
 * An Observable of events like any other to whoever subscribes to it. What belongs to the core runs it by {@link run}:
 * a Subscriber with all it brings costs more than everything else that is done with an event.
 */
export abstract class Source extends Observable<HttpEvent> {
  constructor() {
    super(subscribed)
  }

  /** Sends events to a sink until it is left by what this returns. Ends at most once, and what it throws is its error. */
  abstract run(sink: Sink): Unsubscribable
}
/* eslint-enable rxjs-x/no-subclass */

/** Runs events for a sink. What is returned has to be called by whoever ends before the events do. */
export function run(events: Observable<HttpEvent>, sink: Sink): Unsubscribable {
  if (!(events instanceof Source)) return events.subscribe(sink)
  try {
    return events.run(sink)
  } catch (error) {
    sink.error(error)
    return NOTHING
  }
}

const NOTHING: Unsubscribable = { unsubscribe() {} }

function subscribed(this: Observable<HttpEvent>, subscriber: Subscriber<HttpEvent>): Unsubscribable | undefined {
  return this instanceof Source ? this.run(subscriber) : undefined
}
