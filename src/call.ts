/** One execution of a call: counted while it runs, reported if somebody watches, ended by whoever ends first. */
import type { Observable, Subscriber, Unsubscribable } from 'rxjs'
import { isHttpError, summarise, type HttpError, type RequestSummary } from './errors.ts'
import type { HttpEvent } from './events.ts'
import { Running, type Lifetime } from './lifetime.ts'
import type { Report } from './monitor.ts'
import type { HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import { run, type Sink } from './source.ts'

/** What every call of a client has to do with. */
export interface Surroundings {
  readonly lifetime: Lifetime
  /** Missing when nobody watches. */
  readonly report: ((report: Report) => void) | undefined
}

/** Runs from subscription to teardown. What becomes of its events for the subscriber is said by a subclass. */
export abstract class Call<T> extends Running implements Sink, Unsubscribable {
  readonly request: HttpRequest
  protected readonly subscriber: Subscriber<T>
  readonly #lifetime: Lifetime
  readonly #report: ((report: Report) => void) | undefined
  #source: Unsubscribable | undefined
  #answered = false
  #ended = false

  constructor(request: HttpRequest, subscriber: Subscriber<T>, { lifetime, report }: Surroundings) {
    super()
    this.request = request
    this.subscriber = subscriber
    this.#lifetime = lifetime
    this.#report = report
    lifetime.add(this)
    report?.({ type: 'created', request })
  }

  get closed(): boolean {
    return this.#ended || this.subscriber.closed
  }

  override get summary(): RequestSummary {
    return summarise(this.request)
  }

  /** Begins to hear what happens. It may be over before this returns. */
  over(events: Observable<HttpEvent>): void {
    const source = run(events, this)
    if (this.closed) source.unsubscribe()
    else this.#source = source
  }

  abstract next(event: HttpEvent): void

  error(reason: unknown): void {
    this.fail(reason)
  }

  complete(): void {
    this.end()
  }

  override cancel(error: HttpError): void {
    this.fail(error)
  }

  /** Ends the call with an error. */
  fail(reason: unknown): void {
    if (this.closed) return
    this.#ended = true
    const { request } = this
    const error = isHttpError(reason) && reason.request === undefined ? reason.with({ request }) : reason
    this.#report?.({ type: 'failure', request, error })
    this.subscriber.error(error)
  }

  /** Ends the call well. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#report?.({ type: 'completed', request: this.request })
    this.subscriber.complete()
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

  /** Whoever leaves from now on has all there is: that is no cancellation. */
  protected answered(): void {
    this.#answered = true
  }

  /** Tells those who watch of an event that got out. */
  protected report(event: HttpEvent): void {
    if (this.#report === undefined) return
    const { request } = this
    if (event.type === 'notice') {
      const { plugin, name, detail } = event
      this.#report({ type: 'notice', request, plugin, name, detail })
    } else if (event.type === 'head') this.#report({ type: 'response', request, status: event.head.status })
    else if (event.type === 'response') this.#report({ type: 'response', request, status: event.response.status })
  }
}

/** Hands on everything that happens. */
export class Everything extends Call<HttpEvent> {
  override next(event: HttpEvent): void {
    if (this.closed) return
    this.report(event)
    if (event.type === 'response') this.answered()
    this.subscriber.next(event)
  }
}

/** Hands on the whole answer. */
export class Whole extends Call<HttpResponse> {
  override next(event: HttpEvent): void {
    if (this.closed) return
    this.report(event)
    if (event.type !== 'response') return
    this.answered()
    this.subscriber.next(event.response)
  }
}
