/** A request that may change what others ask for. */
import { Stage, type HttpEvent, type HttpRequest, type Sink } from '../../src/index.ts'
import type { Flights } from './flights.ts'

/** Sees to it that nobody who has heard of the change is given an answer from before it. */
export class Changing extends Stage {
  readonly #request: HttpRequest
  readonly #flights: Flights

  constructor(request: HttpRequest, flights: Flights, out: Sink) {
    super(out)
    this.#request = request
    this.#flights = flights
  }

  override next(event: HttpEvent): void {
    if (event.type === 'head' || event.type === 'response') this.#close()
    super.next(event)
  }

  // An error and leaving too: it may have arrived.
  override unsubscribe(): void {
    super.unsubscribe()
    this.#close()
  }

  #close(): void {
    this.#flights.closeAll(this.#request.origin)
  }
}
