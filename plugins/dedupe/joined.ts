/** A request that may be sent, or share what was sent. */
import { Source, type Sink } from '../../src/index.ts'
import type { Unsubscribable } from 'rxjs'
import type { Asked } from './asked.ts'
import type { Flights } from './flights.ts'

/** Joins what is in flight, or takes off, once for each subscription. */
export class Joined extends Source {
  readonly #flights: Flights
  readonly #asked: Asked

  constructor(flights: Flights, asked: Asked) {
    super()
    this.#flights = flights
    this.#asked = asked
  }

  run(sink: Sink): Unsubscribable {
    return this.#flights.find(this.#asked).join(this.#asked.request, sink)
  }
}
