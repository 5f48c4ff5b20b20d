/** What tests of polls and pages have in common. */
import type { Observable, Subscription } from 'rxjs'
import { clock, HttpResponse, isHttpError } from 'sluice'
import type { TestServer } from 'sluice/testing'
import { virtually } from '../../support/virtual-time.ts'

/** Subscribes in virtual time, for `ms`, and tells what came, and when. */
export function watch(
  values: () => Observable<unknown>,
  ms = 10_000,
  meanwhile?: (subscription: Subscription) => void,
): string[] {
  const seen: string[] = []
  const tell = (what: string): void => {
    seen.push(`${clock.now()} ${what}`)
  }
  virtually(({ flush, cold }) => {
    const subscription = values().subscribe({
      next(value) {
        tell(value instanceof HttpResponse ? `${value.status} ${value.text()}`.trim() : String(value))
      },
      error(error: unknown) {
        tell(
          isHttpError(error)
            ? [error.code, error.phase, error.response?.status].filter(Boolean).join(' ')
            : String(error),
        )
      },
      complete() {
        tell('end')
      },
    })
    meanwhile?.(subscription)
    cold(`${ms}ms |`).subscribe({
      complete() {
        subscription.unsubscribe()
      },
    })
    flush()
  })
  return seen
}

/**
 * Leaves five times what asks `path`, which is never answered, and tells how many milliseconds it took until the server saw it: the
 * middle of the five, since a machine may be busy.
 */
export async function leave(server: TestServer, path: string, values: () => Observable<unknown>): Promise<number> {
  const took: number[] = []
  for (let n = 1; n <= 5; n++) {
    const asked = (): TestServer['requests'] => server.requests.filter(({ target }) => target === path)
    const subscription = values().subscribe()
    await server.until(() => asked().length === n)
    const left = performance.now()
    subscription.unsubscribe()
    const { brokenAt = Infinity } = await server.until(() =>
      asked().find((one, at) => at === n - 1 && one.brokenAt !== undefined),
    )
    took.push(brokenAt - left)
  }
  return took.toSorted((a, b) => a - b)[2] ?? Infinity
}
