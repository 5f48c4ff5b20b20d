/** One who waits for an exchange that may be another's. */
import type { Unsubscribable } from 'rxjs'
import {
  DISCARD,
  isHttpError,
  Linked,
  type HttpEvent,
  type HttpRequest,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import type { Flight } from './flight.ts'

type AnswerEvent = HttpEvent & { readonly type: 'response' }

/** Hears of an exchange until it leaves, and nothing once it has. */
export class Waiting extends Linked<Waiting> implements Unsubscribable {
  readonly #flight: Flight
  readonly #request: HttpRequest
  readonly #sink: Sink
  #left = false

  constructor(flight: Flight, request: HttpRequest, sink: Sink) {
    super()
    this.#flight = flight
    this.#request = request
    this.#sink = sink
  }

  next(event: HttpEvent): void {
    if (!this.#left) this.#sink.next(event)
  }

  /** `sent` is the request that failed, which may be another's. */
  error(error: unknown, sent: HttpRequest): void {
    if (this.#left) return
    this.unsubscribe()
    this.#sink.error(this.#request === sent ? error : readdressed(error, this.#request))
  }

  complete(): void {
    if (this.#left) return
    this.unsubscribe()
    this.#sink.complete()
  }

  unsubscribe(): void {
    if (this.#left) return
    this.#left = true
    this.#flight.leave(this)
  }

  /** Whether it will leave this answer unread. What its plugins throw at being asked is its own error. */
  leaves(head: ResponseHead): boolean {
    if (this.#left) return true
    try {
      return this.#request.read(DISCARD)?.(head) === true
    } catch (error) {
      this.error(error, this.#request)
      return true
    }
  }

  /** Hears the answer as one to its own request. */
  answer(event: AnswerEvent, sent: HttpRequest): void {
    if (this.#left) return
    if (this.#request === sent) {
      this.#sink.next(event)
      return
    }
    const { id, options, notes } = this.#request
    const { response } = event
    const head = { ...response.head, request: response.head.request.with({ id, options, notes }) }
    this.#sink.next({ type: 'response', response: response.with({ head }) })
  }
}

/** An error says whose request failed, and at which attempt. */
function readdressed(error: unknown, request: HttpRequest): unknown {
  if (!isHttpError(error) || error.request === undefined) return error
  return error.with({ request, attempt: error.attempt === undefined ? undefined : request.attempt })
}
