/** Credentials that a user gives by Promise or Observable: the latest ones count. */
import { ReplaySubject, Subscription, take, type Observable } from 'rxjs'
import { config } from '../../src/index.ts'
import type { Errands } from './errands.ts'
import { observed, type Later } from './later.ts'

/** Hears them from the first request on. When they fail, whoever waits hears of it, and the next request begins anew. */
export class Latest<T> {
  readonly #given: Later<T>
  readonly #name: string
  readonly #errands: Errands
  #latest: { readonly value: T } | undefined
  #first = new ReplaySubject<T>(1)
  #hearing: Subscription | undefined

  /** `name` is what they are called in errors. */
  constructor(given: Later<T>, errands: Errands, name: string) {
    this.#given = given
    this.#name = name
    this.#errands = errands
  }

  /** The latest, or the first one when it comes. */
  now(): T | Observable<T> {
    const first = this.#hearing === undefined ? this.#hear() : this.#first
    return this.#latest === undefined ? first.pipe(take(1)) : this.#latest.value
  }

  /** Hears no more. */
  stop(): void {
    this.#hearing?.unsubscribe()
  }

  #hear(): Observable<T> {
    const first = (this.#first = new ReplaySubject<T>(1))
    const hearing = (this.#hearing = new Subscription())
    const fail = (error: Error): void => {
      if (this.#hearing === hearing) this.#hearing = undefined
      first.error(error)
    }
    const heard = {
      next: (value: T): void => {
        this.#latest = { value }
        first.next(value)
      },
      error: fail,
      complete: (): void => {
        if (this.#latest === undefined) fail(config(`${this.#name} ended without a value.`))
      },
    }
    hearing.add(this.#errands.call(() => observed(this.#given).subscribe(heard)))
    return first
  }
}
