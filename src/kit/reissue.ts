/** Kit for plugin authors: the one way to leave an outcome and take another. */
import { from, type MonoTypeOperatorFunction, type Observable, type Unsubscribable } from 'rxjs'
import type { HttpEvent, NoticeEvent, ResponseHead } from '../events.ts'
import type { HttpResponse } from '../response.ts'
import { Source, type Sink } from '../source.ts'
import { Stage } from '../stage.ts'
import { answered, headOf, type AnswerEvent } from './answer.ts'

/** How an attempt came out, before anybody further out has seen it: an answer or an error. */
export type Outcome =
  | { readonly head: ResponseHead; readonly response?: HttpResponse | undefined; readonly error?: undefined }
  | { readonly head?: undefined; readonly response?: undefined; readonly error: unknown }

/**
 * Lets `decide` look at the outcome of an exchange and take another one instead: what it returns is subscribed to and
 * decided on again; `undefined` accepts. Leaving an answer ends its exchange, so a live body that is left is aborted.
 * An answer that was let through is never taken back: an error after it passes. With `tell`, `decide` lets those
 * further out know what it does, before it does it.
 *
 * @example
 * ```ts
 * import { definePlugin, reissue } from 'sluice'
 *
 * // Asks once more when the server says 503.
 * const onceMore = definePlugin({
 *   name: 'onceMore',
 *   scope: 'steer',
 *   defaults: {},
 *   install: () => (request, next) => {
 *     let left = 1
 *     return next(request).pipe(reissue(({ head }) => (head?.status === 503 && left-- > 0 ? next(request) : undefined)))
 *   },
 * })
 * console.log(onceMore().name) // onceMore
 * ```
 */
export function reissue(decide: Decide): MonoTypeOperatorFunction<HttpEvent> {
  return events => new Reissued(events, decide)
}

type Decide = (outcome: Outcome, tell: (event: NoticeEvent) => void) => Observable<HttpEvent> | undefined

class Reissued extends Source {
  readonly #events: Observable<HttpEvent>
  readonly #decide: Decide

  constructor(events: Observable<HttpEvent>, decide: Decide) {
    super()
    this.#events = events
    this.#decide = decide
  }

  run(sink: Sink): Unsubscribable {
    const steering = new Steering(this.#decide, sink)
    steering.begin(this.#events)
    return steering
  }
}

/** What runs of one call, one attempt at a time. */
class Steering implements Unsubscribable {
  readonly out: Sink
  readonly #decide: Decide
  #running: Attempt | undefined

  constructor(decide: Decide, out: Sink) {
    this.#decide = decide
    this.out = out
  }

  begin(events: Observable<HttpEvent>): void {
    this.#running = new Attempt(this)
    this.#running.over(events)
  }

  unsubscribe(): void {
    this.#running?.unsubscribe()
  }

  /** Takes another outcome than this one, if so decided; true when that has happened, or the call is over. */
  judge(outcome: Outcome): boolean {
    let other: Observable<HttpEvent> | undefined
    try {
      const decided = this.#decide(outcome, event => {
        this.out.next(event)
      })
      // What is no Observable throws here, where it becomes the call's error.
      other = decided && from(decided)
    } catch (error) {
      this.unsubscribe()
      this.out.error(error)
      return true
    }
    // Whoever was told, or a callback of the user, may have left.
    if (this.out.closed) return true
    if (!other) return false
    this.unsubscribe()
    this.begin(other)
    return true
  }
}

/** One attempt, until it is left. */
class Attempt extends Stage {
  readonly #steering: Steering
  #accepted = false

  constructor(steering: Steering) {
    super(steering.out)
    this.#steering = steering
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    if (!this.#accepted && answered(event)) {
      if (this.#steering.judge(outcomeOf(event))) return
      this.#accepted = true
    }
    super.next(event)
  }

  override error(error: unknown): void {
    if (this.ended) return
    if (this.#accepted || !this.#steering.judge({ error })) super.error(error)
  }
}

function outcomeOf(event: AnswerEvent): Outcome {
  return event.type === 'head' ? { head: event.head } : { head: headOf(event), response: event.response }
}
