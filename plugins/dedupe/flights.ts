/** What is in flight in a client. */
import type { Asked } from './asked.ts'
import { Flight } from './flight.ts'

/** A power of two. */
const PLACES = 256
/** How many characters of a url are looked at to find its place. */
const MOST_READ = 16

/**
 * Knows the exchanges that may still be joined, by places of their urls. A `Map` would do the same, for as much as all the rest of
 * sharing costs: whatever is in flight is put into it and taken out again with every request (see `linked.ts`).
 */
export class Flights {
  /** In each place the one that began last; each knows the one of its place before it. */
  readonly #places: (Flight | undefined)[] = Array.from({ length: PLACES }, () => undefined)
  #size = 0

  /** How many may be joined. */
  get size(): number {
    return this.#size
  }

  /** The exchange whose answer will do, one that begins if there is none. */
  find(asked: Asked): Flight {
    const place = placeOf(asked.request.url)
    const last = this.#places[place]
    for (let flight = last; flight !== undefined; flight = flight.before) if (flight.takes(asked)) return flight
    const begun = new Flight(asked, this, place, last)
    this.#places[place] = begun
    this.#size++
    return begun
  }

  /** Lets nobody join it any more. To be called once. */
  close(place: number, closed: Flight): void {
    const { before } = closed
    const last = this.#places[place]
    if (last === closed) this.#places[place] = before
    else {
      for (let flight = last; flight !== undefined; flight = flight.before) {
        if (flight.before === closed) flight.before = before
      }
    }
    // Whoever holds on to one that is over holds on to none of the others.
    closed.before = undefined
    this.#size--
  }

  /** Lets nobody join any more what is in flight to an origin. */
  closeAll(origin: string): void {
    for (let place = 0; place < PLACES && this.#size > 0; place++) {
      for (let flight = this.#places[place]; flight !== undefined;) {
        const { before } = flight
        if (flight.origin === origin) flight.close()
        flight = before
      }
    }
  }
}

/** Requests that are the same have the same place; it is found from the end of the url, where most differ. */
function placeOf(url: string): number {
  const step = 1 + Math.floor(url.length / MOST_READ)
  let mixed = url.length
  for (let at = url.length - 1; at >= 0; at -= step) mixed = Math.imul(mixed, 31) + url.charCodeAt(at)
  return (mixed ^ (mixed >>> 8)) & (PLACES - 1)
}
