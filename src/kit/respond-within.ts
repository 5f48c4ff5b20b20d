/** Kit for plugin authors: a limit on how long an answer may take. */
import type { MonoTypeOperatorFunction } from 'rxjs'
import { milliseconds, shown } from '../check.ts'
import { HttpError } from '../errors.ts'
import type { HttpEvent } from '../events.ts'
import type { Sink } from '../source.ts'
import { Stage, staged } from '../stage.ts'
import { alarms, type Alarm } from './alarm.ts'
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
  return staged(out => new Limited(ms, error, alarm, out))
}

class Limited extends Stage {
  readonly #limit: Alarm

  constructor(ms: number, error: () => unknown, alarm: (ring: () => void) => Alarm, out: Sink) {
    super(out)
    this.#limit = alarm(() => {
      this.error(made(error))
    })
    this.#limit.set(ms)
  }

  override next(event: HttpEvent): void {
    if (answered(event)) this.#limit.stop()
    super.next(event)
  }

  override unsubscribe(): void {
    this.#limit.stop()
    super.unsubscribe()
  }
}

/** Nobody stands around a timer who would hear of what a callback throws. */
function made(error: () => unknown): unknown {
  try {
    return error()
  } catch (thrown) {
    return thrown
  }
}
