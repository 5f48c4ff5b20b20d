/** One execution of a call: counted while it runs, reported if somebody watches, ended by whoever ends first. */
import type { Subscriber, Unsubscribable } from 'rxjs'
import { isHttpError, summarise, type HttpError, type RequestSummary } from './errors.ts'
import type { HttpEvent } from './events.ts'
import type { Lifetime, Running } from './lifetime.ts'
import type { Report } from './monitor.ts'
import type { HttpRequest } from './request.ts'

/** Runs from subscription to teardown. */
export class Call implements Running, Unsubscribable {
  readonly request: HttpRequest
  readonly #subscriber: Subscriber<never>
  readonly #lifetime: Lifetime
  readonly #report: ((report: Report) => void) | undefined
  #source: Unsubscribable | undefined
  #answered = false
  #ended = false

  constructor(
    request: HttpRequest,
    subscriber: Subscriber<never>,
    lifetime: Lifetime,
    report: ((report: Report) => void) | undefined,
  ) {
    this.request = request
    this.#subscriber = subscriber
    this.#lifetime = lifetime
    this.#report = report
    lifetime.add(this)
    report?.({ type: 'created', request })
  }

  get summary(): RequestSummary {
    return summarise(this.request)
  }

  /** Keeps what has to be left with the subscription. */
  follow(source: Unsubscribable): void {
    this.#source = source
    if (this.#subscriber.closed) source.unsubscribe()
  }

  cancel(error: HttpError): void {
    this.fail(error)
  }

  /** Ends the call with an error. */
  fail(reason: unknown): void {
    if (this.#ended || this.#subscriber.closed) return
    this.#ended = true
    const { request } = this
    const error = isHttpError(reason) && reason.request === undefined ? reason.with({ request }) : reason
    this.#report?.({ type: 'failure', request, error })
    this.#subscriber.error(error)
  }

  /** Ends the call well. */
  complete(): void {
    if (this.#ended) return
    this.#ended = true
    this.#report?.({ type: 'completed', request: this.request })
    this.#subscriber.complete()
  }

  /** Whoever leaves from now on has all there is: that is no cancellation. */
  answered(): void {
    this.#answered = true
  }

  /** The subscription is over, whoever ended it: first the exchange ends, then the call is no longer counted. */
  unsubscribe(): void {
    this.#source?.unsubscribe()
    const { body } = this.request
    if (body !== undefined && !(body instanceof Uint8Array) && Object.hasOwn(body, 'discard')) body.discard?.()
    if (!this.#ended) this.#report?.({ type: this.#answered ? 'completed' : 'cancelled', request: this.request })
    this.#ended = true
    this.#lifetime.delete(this)
  }

  /** Tells those who watch of an event that got out. */
  report(event: HttpEvent): void {
    if (this.#report === undefined) return
    const { request } = this
    if (event.type === 'notice') {
      const { plugin, name, detail } = event
      this.#report({ type: 'notice', request, plugin, name, detail })
    } else if (event.type === 'head') this.#report({ type: 'response', request, status: event.head.status })
    else if (event.type === 'response') this.#report({ type: 'response', request, status: event.response.status })
  }
}
