/** A client for as long as a subscription lives. */
import { from, Observable, type ObservableInput } from 'rxjs'
import type { Client } from './client.ts'

/**
 * Makes a client on subscription, gives it to `use`, and ends it with the subscription: closed gracefully when what
 * `use` returns completes (the completion waits for it), cancelled on an error or when unsubscribed.
 */
export function withClient<C extends Client, T>(
  create: () => C,
  use: (client: C) => ObservableInput<T>,
): Observable<T> {
  return new Observable<T>(subscriber => {
    const client = create()
    let graceful = false
    subscriber.add(() => {
      if (!graceful) client.cancel()
    })
    try {
      subscriber.add(
        from(use(client)).subscribe({
          next(value) {
            subscriber.next(value)
          },
          error(error: unknown) {
            subscriber.error(error)
          },
          complete() {
            client.close().then(
              () => {
                graceful = true
                subscriber.complete()
              },
              (error: unknown) => {
                subscriber.error(error)
              },
            )
          },
        }),
      )
    } catch (error) {
      subscriber.error(error)
    }
  })
}
