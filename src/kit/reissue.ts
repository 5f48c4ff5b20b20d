/** Kit for plugin authors: the one way to leave an outcome and take another. */
import { Observable, Subscription, type MonoTypeOperatorFunction } from 'rxjs'
import type { HttpEvent, NoticeEvent, ResponseHead } from '../events.ts'
import type { HttpResponse } from '../response.ts'
import { answered, headOf } from './answer.ts'

/** How an attempt came out, before anybody further out has seen it: an answer or an error. */
export type Outcome =
  | { readonly head: ResponseHead; readonly response?: HttpResponse | undefined; readonly error?: undefined }
  | { readonly head?: undefined; readonly response?: undefined; readonly error: unknown }

/**
 * Lets `decide` look at the outcome of an exchange and take another one instead: what it returns is subscribed to and
 * decided on again; `undefined` accepts. Leaving an answer ends its exchange, so a live body that is left is aborted.
 * An answer that was let through is never taken back: an error after it passes. With `tell`, `decide` lets those
 * further out know what it does, before it does it.
 *
 * @example
 * ```ts
 * import { definePlugin, reissue } from 'sluice'
 *
 * // Asks once more when the server says 503.
 * const onceMore = definePlugin({
 *   name: 'onceMore',
 *   scope: 'steer',
 *   defaults: {},
 *   install: () => (request, next) => {
 *     let left = 1
 *     return next(request).pipe(reissue(({ head }) => (head?.status === 503 && left-- > 0 ? next(request) : undefined)))
 *   },
 * })
 * console.log(onceMore().name) // onceMore
 * ```
 */
export function reissue(
  decide: (outcome: Outcome, tell: (event: NoticeEvent) => void) => Observable<HttpEvent> | undefined,
): MonoTypeOperatorFunction<HttpEvent> {
  return source =>
    new Observable(subscriber => {
      let running: Subscription | undefined
      const tell = (event: NoticeEvent): void => {
        subscriber.next(event)
      }

      const judge = (outcome: Outcome): Observable<HttpEvent> | undefined => {
        try {
          return decide(outcome, tell)
        } catch (error) {
          running?.unsubscribe()
          subscriber.error(error)
          return undefined
        }
      }

      const run = (attempt: Observable<HttpEvent>): void => {
        let accepted = false
        const own = new Subscription()
        running = own
        const replace = (other: Observable<HttpEvent>): void => {
          own.unsubscribe()
          // Whoever was told, or a callback of the user, may have left.
          if (!subscriber.closed) run(other)
        }
        own.add(
          attempt.subscribe({
            next(event) {
              if (own.closed) return
              if (accepted || !answered(event)) {
                subscriber.next(event)
                return
              }
              const other = judge(
                event.type === 'head' ? { head: event.head } : { head: headOf(event), response: event.response },
              )
              if (other !== undefined) replace(other)
              else if (!subscriber.closed) {
                accepted = true
                subscriber.next(event)
              }
            },
            error(error: unknown) {
              if (own.closed) return
              const other = accepted ? undefined : judge({ error })
              if (other !== undefined) replace(other)
              else subscriber.error(error)
            },
            complete() {
              if (!own.closed) subscriber.complete()
            },
          }),
        )
      }

      subscriber.add(() => running?.unsubscribe())
      run(source)
    })
}
