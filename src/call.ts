/** One execution of a call: counted while it runs, reported if somebody watches, ended by whoever ends first. */
import type { Subscriber, Unsubscribable } from 'rxjs'
import { summarise, type HttpError, type RequestSummary } from './errors.ts'
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
  #settled = false

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
    subscriber.add(this)
  }

  /** The subscription is over, whoever ended it. */
  unsubscribe(): void {
    if (!this.#settled) this.#report?.({ type: 'cancelled', request: this.request })
    this.#lifetime.delete(this)
  }

  get summary(): RequestSummary {
    return summarise(this.request)
  }

  cancel(error: HttpError): void {
    this.fail(error)
  }

  /** Ends the call with an error. */
  fail(error: unknown): void {
    if (this.#subscriber.closed) return
    this.#settled = true
    this.#report?.({ type: 'failure', request: this.request, error })
    this.#subscriber.error(error)
  }

  /** Ends the call well. */
  complete(): void {
    this.#succeed()
    this.#subscriber.complete()
  }

  /** Tells those who watch of an event that got out. */
  report(event: HttpEvent): void {
    if (this.#report === undefined) return
    const { request } = this
    if (event.type === 'notice') {
      const { plugin, name, detail } = event
      this.#report({ type: 'notice', request, plugin, name, detail })
    } else if (event.type === 'head') this.#report({ type: 'response', request, status: event.head.status })
    else if (event.type === 'response') {
      this.#report({ type: 'response', request, status: event.response.status })
      // Whoever takes one value and leaves has all there is: that is no cancellation.
      this.#succeed()
    }
  }

  #succeed(): void {
    if (this.#settled) return
    this.#settled = true
    this.#report?.({ type: 'completed', request: this.request })
  }
}
