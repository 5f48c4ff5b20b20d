/** Work for credentials that may itself send requests through the client it works for. */
import { Observable, take, type Subscriber } from 'rxjs'

/**
 * Knows while it begins work of the user: a request that arrives meanwhile is part of that work, and must not wait for
 * it. What the work says at once is passed on when it has begun, so that what others do with it is no part of it.
 */
export class Errands {
  #beginning = false

  /** True for requests that the work sends while it begins. */
  get beginning(): boolean {
    return this.#beginning
  }

  /** Runs what the user wrote and returns what that does. */
  call<T>(work: () => T): T {
    const before = this.#beginning
    this.#beginning = true
    try {
      return work()
    } finally {
      this.#beginning = before
    }
  }

  /** The first value of what `start` makes. */
  run<T>(start: () => Observable<T>): Observable<T> {
    return new Observable(subscriber => {
      const arrival = new Arrival(subscriber)
      subscriber.add(this.call(() => start().pipe(take(1)).subscribe(arrival)))
      arrival.letGo()
    })
  }
}

/** Keeps what is said until it is let go. */
class Arrival<T> {
  readonly #out: Subscriber<T>
  #kept: (() => void)[] | undefined = []

  constructor(out: Subscriber<T>) {
    this.#out = out
  }

  next(value: T): void {
    this.#pass(() => {
      this.#out.next(value)
    })
  }

  error(error: unknown): void {
    this.#pass(() => {
      this.#out.error(error)
    })
  }

  complete(): void {
    this.#pass(() => {
      this.#out.complete()
    })
  }

  letGo(): void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    for (const say of kept) say()
  }

  #pass(say: () => void): void {
    if (this.#kept === undefined) say()
    else this.#kept.push(say)
  }
}
