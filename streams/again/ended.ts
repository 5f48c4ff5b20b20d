/** When a client has ended, for what waits between two requests and has no call that could tell. */
import { Observable, type Subscriber } from 'rxjs'
import type { Client } from '../../src/index.ts'

/** Who waits for the end of which client. One promise of a client serves all who ever wait: it could not be left again. */
const waiting = new WeakMap<Client, Set<Subscriber<void>>>()

/** Emits, and completes, as soon as the client was closed or cancelled and has released everything. */
export function ended(client: Client): Observable<void> {
  return new Observable(subscriber => {
    const all = waiting.get(client) ?? watch(client)
    all.add(subscriber)
    return () => {
      all.delete(subscriber)
    }
  })
}

function watch(client: Client): Set<Subscriber<void>> {
  const all = new Set<Subscriber<void>>()
  waiting.set(client, all)
  const end = (): void => {
    waiting.delete(client)
    for (const subscriber of [...all]) {
      subscriber.next()
      subscriber.complete()
    }
  }
  // An engine that could not be released is told to whoever closes.
  client.join().then(end, end)
  return all
}
