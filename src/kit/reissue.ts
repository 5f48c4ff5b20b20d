/** Kit for plugin authors: the one way to leave an outcome and take another. */
import {
  from,
  Observable,
  type MonoTypeOperatorFunction,
  type Observer,
  type Subscriber,
  type Subscription,
} from 'rxjs'
import type { HttpEvent, NoticeEvent, ResponseHead } from '../events.ts'
import type { HttpResponse } from '../response.ts'
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
  return source =>
    new Observable(subscriber => {
      const steering = new Steering(decide, subscriber)
      subscriber.add(() => {
        steering.stop()
      })
      steering.run(source)
    })
}

type Decide = (outcome: Outcome, tell: (event: NoticeEvent) => void) => Observable<HttpEvent> | undefined

/** What runs of one call, one attempt at a time. */
class Steering {
  readonly #decide: Decide
  readonly subscriber: Subscriber<HttpEvent>
  #running: Attempt | undefined

  constructor(decide: Decide, subscriber: Subscriber<HttpEvent>) {
    this.#decide = decide
    this.subscriber = subscriber
  }

  run(source: Observable<HttpEvent>): void {
    this.#running = new Attempt(this)
    this.#running.begin(source)
  }

  stop(): void {
    this.#running?.leave()
  }

  /** Takes another outcome than this one, if so decided; true when that has happened, or the call is over. */
  judge(outcome: Outcome): boolean {
    let other: Observable<HttpEvent> | undefined
    try {
      const decided = this.#decide(outcome, this.#tell)
      // What is no Observable throws here, where it becomes the call's error.
      other = decided && from(decided)
    } catch (error) {
      this.stop()
      this.subscriber.error(error)
    }
    // Whoever was told, or a callback of the user, may have left.
    if (this.subscriber.closed) return true
    if (!other) return false
    this.stop()
    this.run(other)
    return true
  }

  readonly #tell = (event: NoticeEvent): void => {
    this.subscriber.next(event)
  }
}

/** One attempt, until it is left. */
class Attempt implements Observer<HttpEvent> {
  readonly #steering: Steering
  #subscription: Subscription | undefined
  #accepted = false
  #left = false

  constructor(steering: Steering) {
    this.#steering = steering
  }

  begin(source: Observable<HttpEvent>): void {
    const subscription = source.subscribe(this)
    if (this.#left) subscription.unsubscribe()
    else this.#subscription = subscription
  }

  leave(): void {
    this.#left = true
    this.#subscription?.unsubscribe()
  }

  next(event: HttpEvent): void {
    if (this.#left) return
    if (!this.#accepted && answered(event)) {
      if (this.#steering.judge(outcomeOf(event))) return
      this.#accepted = true
    }
    this.#steering.subscriber.next(event)
  }

  error(error: unknown): void {
    if (this.#left || (!this.#accepted && this.#steering.judge({ error }))) return
    this.#steering.subscriber.error(error)
  }

  complete(): void {
    if (!this.#left) this.#steering.subscriber.complete()
  }
}

function outcomeOf(event: AnswerEvent): Outcome {
  return event.type === 'head' ? { head: event.head } : { head: headOf(event), response: event.response }
}
