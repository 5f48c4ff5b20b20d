/** One piece of work for all who want its result at the same time. */
import { Observable, Subscription, type Subscriber } from 'rxjs'

/**
 * Runs at most one piece of work at a time. Whoever comes while it runs gets its result too; one who leaves does not
 * stop it, the last one does. A result, good or bad, is for those who waited: whoever comes later begins anew.
 */
export class SingleFlight<T> {
  readonly #over: () => void
  #running: Flight<T> | undefined

  /** Calls `over` whenever work has ended, before anybody hears of its result. */
  constructor(over: () => void = () => undefined) {
    this.#over = over
  }

  /** True while the work runs. */
  get running(): boolean {
    return this.#running !== undefined
  }

  /** The result of the work that runs, else of what `start` makes. With `finish`, work that nobody waits for goes on. */
  join(start: () => Observable<T>, finish = false): Observable<T | undefined> {
    return new Observable(subscriber => {
      if (subscriber.closed) return undefined
      const flight = this.#running ?? new Flight<T>()
      const begins = this.#running === undefined
      const leave = flight.add(subscriber, finish)
      if (!begins) return leave
      this.#running = flight
      flight.over.add(() => {
        if (this.#running === flight) this.#running = undefined
        this.#over()
      })
      flight.begin(start)
      return leave
    })
  }

  /** Ends the work that runs, whoever waits. */
  stop(): void {
    this.#running?.over.unsubscribe()
  }
}

class Flight<T> {
  /** Ends when the work does, or when everybody has left. */
  readonly over: Subscription = new Subscription()
  readonly #waiting = new Set<Subscriber<T | undefined>>()

  add(subscriber: Subscriber<T | undefined>, finish: boolean): () => void {
    this.#waiting.add(subscriber)
    return () => {
      if (this.#waiting.delete(subscriber) && this.#waiting.size === 0 && !finish) this.over.unsubscribe()
    }
  }

  begin(start: () => Observable<T>): void {
    let work: Observable<T>
    try {
      work = start()
    } catch (error) {
      this.#land(one => one.error(error))
      return
    }
    if (this.over.closed) return
    this.over.add(
      work.subscribe({
        next: value => {
          this.#land(one => {
            one.next(value)
            one.complete()
          })
        },
        error: (error: unknown) => {
          this.#land(one => one.error(error))
        },
        complete: () => {
          this.#land(one => {
            one.next(undefined)
            one.complete()
          })
        },
      }),
    )
  }

  /** Those who come from now on, also out of what the waiting do with the result, begin anew. */
  #land(deliver: (to: Subscriber<T | undefined>) => void): void {
    if (this.over.closed) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    this.over.unsubscribe()
    for (const one of waiting) deliver(one)
  }
}
