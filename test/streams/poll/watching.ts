/** What virtual-time tests of polls have in common. */
import type { Observable, Subscription } from 'rxjs'
import { clock, HttpResponse, isHttpError } from 'sluice'
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
