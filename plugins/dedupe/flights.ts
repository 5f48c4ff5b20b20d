/** What is in flight in a client. */
import { keyOf, type Asked } from './asked.ts'
import { Flight } from './flight.ts'

/** Knows the exchanges that may still be joined. */
export class Flights {
  /** By key the one that began last; each knows the one of its key before it. */
  readonly #open = new Map<string, Flight>()

  /** How many may be joined. */
  get size(): number {
    let size = 0
    for (const last of this.#open.values()) {
      for (let flight: Flight | undefined = last; flight !== undefined; flight = flight.before) size++
    }
    return size
  }

  /** The exchange whose answer will do, one that begins if there is none. */
  find(asked: Asked): Flight {
    const key = keyOf(asked)
    const last = this.#open.get(key)
    for (let flight = last; flight !== undefined; flight = flight.before) if (flight.takes(asked)) return flight
    const begun = new Flight(asked, this, key, last)
    this.#open.set(key, begun)
    return begun
  }

  /** Lets nobody join it any more. */
  close(key: string, closed: Flight): void {
    const last = this.#open.get(key)
    if (last === closed) {
      if (closed.before === undefined) this.#open.delete(key)
      else this.#open.set(key, closed.before)
      return
    }
    for (let flight = last; flight !== undefined; flight = flight.before) {
      if (flight.before === closed) flight.before = closed.before
    }
  }

  /** Lets nobody join any more what is in flight to an origin. */
  closeAll(origin: string): void {
    for (const [key, flight] of this.#open) if (flight.origin === origin) this.#open.delete(key)
  }
}
