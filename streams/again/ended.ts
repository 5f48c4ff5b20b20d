/** When a client has ended, for what waits between two requests and has no call that could tell. */
import { Observable, type Subscriber } from 'rxjs'
import type { Client } from '../../src/index.ts'

/** One promise of a client serves all who ever wait for its end: it could not be left again. */
const ends = new WeakMap<Client, End>()

/** Emits, and completes, as soon as the client was closed or cancelled and has released everything. */
export function ended(client: Client): Observable<void> {
  return new Observable(subscriber => {
    let end = ends.get(client)
    if (end === undefined) {
      end = new End(client.join())
      ends.set(client, end)
    }
    return end.tell(subscriber)
  })
}

/** The end of a client, which it does not hold on to: a parent that lives on would keep all its children. */
class End {
  readonly #waiting = new Set<Subscriber<void>>()
  #over = false

  constructor(joined: Promise<void>) {
    const end = (): void => {
      this.#over = true
      for (const subscriber of [...this.#waiting]) reached(subscriber)
    }
    // That something could not be released is told to whoever closes.
    joined.then(end, end)
  }

  tell(subscriber: Subscriber<void>): (() => void) | undefined {
    if (this.#over) {
      reached(subscriber)
      return undefined
    }
    this.#waiting.add(subscriber)
    return () => {
      this.#waiting.delete(subscriber)
    }
  }
}

function reached(subscriber: Subscriber<void>): void {
  subscriber.next()
  subscriber.complete()
}
