/** Ends a call that takes too long in all, whatever it is doing. */
import { Observable } from 'rxjs'
import {
  alarms,
  clock,
  DEADLINE,
  definePlugin,
  describe,
  HttpError,
  limit,
  LIVE,
  optional,
  type HttpEvent,
  type PluginFactory,
} from '../src/index.ts'

/** Options of {@link deadline}. */
export interface DeadlineOptions {
  /**
   * Milliseconds a call may take in all; `false` for any time. Anything else throws `CONFIG`.
   * Default 300 000, and no limit for `stream`, whose bodies may be endless. What is given holds for streams, too.
   */
  readonly ms: number | false | undefined
}

const defaults: DeadlineOptions = { ms: undefined }
const WHOLE = 300_000

/**
 * Ends a call that takes too long in all: all attempts and redirects, the waits between them, and the body to its last
 * byte. The error is `HttpError` code `TIMEOUT`, phase `deadline`.
 *
 * Plugins further in are told the time: `retry` does not begin a wait that would end after it. For limits on the phases
 * of one attempt use `timeout`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { deadline } from 'sluice/plugins/deadline'
 * import { retry } from 'sluice/plugins/retry'
 *
 * const client = createClient({ plugins: [deadline({ ms: 10_000 }), retry({ times: 5 })] })
 * client.get('https://api.example.com/slow', { deadline: { ms: 50 } }).subscribe({
 *   error: error => console.log(error.code, error.phase), // TIMEOUT deadline
 * })
 * ```
 */
export const deadline: PluginFactory<'deadline', DeadlineOptions> = definePlugin({
  name: 'deadline',
  scope: 'call',
  inside: {
    logging: 'outside of the deadline a log sees how the call ended, inside it sees only that it was left',
    har: 'outside of the deadline it sees how the call ended, inside it sees only that it was left',
  },
  defaults,
  check: { ms: optional(limit) },
  install: () => {
    const alarm = alarms()
    return (request, next, options) => {
      const { ms = request.read(LIVE) === true ? false : WHOLE } = options
      if (ms === false) return next(request)
      return new Observable<HttpEvent>(subscriber => {
        const end = Math.min(clock.now() + ms, request.read(DEADLINE) ?? Infinity)
        const over = alarm(() => {
          subscriber.error(
            new HttpError('TIMEOUT', `${describe(request)} took longer than ${ms} ms in all.`, {
              phase: 'deadline',
              request,
            }),
          )
        })
        over.set(ms)
        subscriber.add(() => {
          over.stop()
        })
        subscriber.add(next(request.note(DEADLINE, end)).subscribe(subscriber))
      })
    }
  },
})
