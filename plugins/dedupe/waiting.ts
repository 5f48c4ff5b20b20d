/** One who waits for an exchange that may be another's. */
import type { Unsubscribable } from 'rxjs'
import { DISCARD, Linked, type HttpEvent, type HttpRequest, type ResponseHead, type Sink } from '../../src/index.ts'
import { addressed, readdressed, type AnswerEvent } from './addressed.ts'
import type { Flight } from './flight.ts'

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

  /** What its plugins throw at an event is its own error: the others have an answer to wait for. */
  next(event: HttpEvent): void {
    if (this.#left) return
    try {
      this.#sink.next(event)
    } catch (error) {
      this.error(error, this.#request)
    }
  }

  /** `sent` is the request that failed, which may be another's. */
  error(error: unknown, sent: HttpRequest): void {
    if (this.#left) return
    this.unsubscribe()
    this.#sink.error(readdressed(error, sent, this.#request))
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
    this.next(this.#request === sent || this.#left ? event : addressed(event, sent, this.#request))
  }
}
