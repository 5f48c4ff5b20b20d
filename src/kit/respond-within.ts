/** Kit for plugin authors: a limit on how long an answer may take. */
import { Observable, type MonoTypeOperatorFunction } from 'rxjs'
import type { HttpEvent } from '../events.ts'
import { alarms } from './alarm.ts'
import { answered } from './answer.ts'

/**
 * Fails with what `error` makes when no answer has come `ms` milliseconds after the subscription. Unlike RxJS's
 * `timeout({ first })` it is not fooled by the events before the answer; once an answer began, the limit is off.
 */
export function respondWithin(ms: number, error: () => unknown): MonoTypeOperatorFunction<HttpEvent> {
  const alarm = alarms()
  return source =>
    new Observable(subscriber => {
      const limit = alarm(() => {
        subscriber.error(error())
      })
      limit.set(ms)
      subscriber.add(() => {
        limit.stop()
      })
      subscriber.add(
        source.subscribe({
          next(event) {
            if (answered(event)) limit.stop()
            subscriber.next(event)
          },
          error(failure: unknown) {
            subscriber.error(failure)
          },
          complete() {
            subscriber.complete()
          },
        }),
      )
    })
}
