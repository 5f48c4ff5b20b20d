/** Kit for plugin authors: a limit on how long an answer may take. */
import { Observable, type MonoTypeOperatorFunction } from 'rxjs'
import { milliseconds, shown } from '../check.ts'
import { HttpError } from '../errors.ts'
import type { HttpEvent } from '../events.ts'
import { alarms } from './alarm.ts'
import { answered } from './answer.ts'

/**
 * Fails with what `error` makes when no answer has come `ms` milliseconds after the subscription. Unlike RxJS's
 * `timeout({ first })` it is not fooled by the events before the answer; once an answer began, the limit is off.
 * Throws `CONFIG` for what is no time.
 */
export function respondWithin(ms: number, error: () => unknown): MonoTypeOperatorFunction<HttpEvent> {
  const wanted = milliseconds(ms)
  if (wanted !== undefined) {
    throw new HttpError('CONFIG', `respondWithin() wants ${wanted}, not ${shown(ms)}.`, { phase: 'config' })
  }
  const alarm = alarms()
  return source =>
    new Observable(subscriber => {
      const limit = alarm(() => {
        subscriber.error(made(error))
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

/** Nobody stands around a timer who would hear of what a callback throws. */
function made(error: () => unknown): unknown {
  try {
    return error()
  } catch (thrown) {
    return thrown
  }
}
