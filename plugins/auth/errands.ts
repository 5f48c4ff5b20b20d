/** Work for credentials that may itself send requests through the client it works for. */
import { Observable, take, throwIfEmpty, type Subscriber } from 'rxjs'
import { config, type HttpRequest } from '../../src/index.ts'

/** Calls of work that are remembered. */
const MOST = 100

/**
 * Knows while it begins work of the user: a call that arrives meanwhile is part of that work, and must not wait for
 * it. What the work says at once is passed on when it has begun, so that what others do with it is no part of it.
 */
export class Errands {
  #beginning = false
  readonly #calls = new Set<number>()

  /** True for a request of a call that the work makes while it begins, also when that is sent again: later, or elsewhere. */
  includes({ id }: HttpRequest): boolean {
    if (!this.#beginning) return this.#calls.has(id)
    this.#calls.add(id)
    if (this.#calls.size > MOST) this.#calls.delete(this.#calls.values().next().value ?? id)
    return true
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

/** Fails what ends without a value; `name` is what that is called. */
export function wanted<T>(name: string): (source: Observable<T>) => Observable<T> {
  return throwIfEmpty(() => config(`${name} ended without a value.`))
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
