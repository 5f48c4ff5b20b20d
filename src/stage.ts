/** A place on the way out of a client where events are looked at. */
import type { MonoTypeOperatorFunction, Observable, Unsubscribable } from 'rxjs'
import type { HttpEvent } from './events.ts'
import { run, Source, type Sink } from './source.ts'

/**
 * Passes events on; a subclass looks at those it cares about. One object does what takes an operator three: it hears the
 * events, leaves them when it is left, and keeps quiet once it has ended.
 */
export class Stage implements Sink, Unsubscribable {
  protected readonly out: Sink
  #source: Unsubscribable | undefined
  #over = false

  constructor(out: Sink) {
    this.out = out
  }

  get closed(): boolean {
    return this.#over || this.out.closed
  }

  /** True once it has ended or was left. Whoever is further out leaves it before it ends, so there is no need to ask them. */
  protected get ended(): boolean {
    return this.#over
  }

  /** Begins to hear events. They may be over before this returns. */
  over(events: Observable<HttpEvent>): this {
    const source = run(events, this)
    if (this.#over) source.unsubscribe()
    else this.#source = source
    return this
  }

  next(event: HttpEvent): void {
    if (!this.#over) this.out.next(event)
  }

  error(error: unknown): void {
    if (this.#over) return
    this.unsubscribe()
    this.out.error(error)
  }

  complete(): void {
    if (this.#over) return
    this.unsubscribe()
    this.out.complete()
  }

  /** Leaves the events. */
  unsubscribe(): void {
    this.#over = true
    this.#source?.unsubscribe()
  }
}

/** Makes an operator of a stage; `make` is asked for one stage a subscription. */
export function staged(make: (out: Sink) => Stage): MonoTypeOperatorFunction<HttpEvent> {
  return events => new Staged(events, make)
}

class Staged extends Source {
  readonly #events: Observable<HttpEvent>
  readonly #make: (out: Sink) => Stage

  constructor(events: Observable<HttpEvent>, make: (out: Sink) => Stage) {
    super()
    this.#events = events
    this.#make = make
  }

  run(sink: Sink): Unsubscribable {
    return this.#make(sink).over(this.#events)
  }
}
