/** Tells how far a body has come. */
import { Observable } from 'rxjs'
import {
  clock,
  definePlugin,
  flag,
  milliseconds,
  NEEDS,
  optional,
  UPLOAD_PROGRESS,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { Meter, totalOf } from './progress/meter.ts'

/** What is measured, and how often it is told. */
export interface ProgressOptions {
  /**
   * Tells of request bodies, which not every engine can: with `true`, a request with a body then fails with `UNSUPPORTED`.
   * Default: unset, where the engine can.
   */
  up: boolean | undefined
  /** Tells of answers. Default: `true`. */
  down: boolean
  /** The least time between two events of one way, in milliseconds; 0 tells of every chunk. Default: 100. */
  interval: number
}

const DEFAULTS: ProgressOptions = { up: undefined, down: true, interval: 100 }

/**
 * Adds `progress` events to `client.events()`: how many bytes went up and came down, of how many where that is known, and
 * for each way a last one with `done: true`; a body that has to be sent twice is told of twice. Behind `decode` in the list
 * it counts the bytes that are received, whose number is usually announced; before it, the decoded ones, whose number
 * nobody knows.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { progress } from 'sluice/plugins/progress'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [progress({ interval: 50 })] })
 * client.events('users/7').subscribe(event => {
 *   if (event.type === 'progress') console.log(event.way, event.loaded, event.total, event.done)
 * })
 * ```
 */
export const progress: PluginFactory<'progress', ProgressOptions> = definePlugin({
  name: 'progress',
  scope: 'wire',
  defaults: DEFAULTS,
  check: { up: optional(flag), down: flag, interval: milliseconds },
  install:
    ({ engine }) =>
    (request, next, { up = engine.capabilities.uploadProgress, down, interval }) => {
      const measured = up && request.body !== undefined
      if (!measured && !down) return next(request)
      return new Observable(subscriber => {
        const meter = (way: 'up' | 'down'): Meter =>
          new Meter(way, interval, clock, event => {
            subscriber.next(event)
          })
        let sent = measured ? meter('up') : undefined
        let received = down ? meter('down') : undefined
        return next(measured ? asking(request) : request).subscribe({
          next(event) {
            if (event.type === 'progress' && event.way === 'up' && sent) {
              sent.report(event.loaded, event.total, event.done)
              return
            }
            // Somebody further in sends the body once more, as encode does after a 415.
            if (event.type === 'sent' && sent?.done === true) sent = meter('up')
            if (event.type === 'head') {
              if (event.unread === true) received = undefined
              received?.expect(totalOf(event.head, engine.capabilities.decodes))
            }
            subscriber.next(event)
            if (event.type === 'chunk') received?.add(event.bytes.length)
          },
          error(error: unknown) {
            subscriber.error(error)
          },
          complete() {
            sent?.finish()
            received?.finish()
            subscriber.complete()
          },
        })
      })
    },
})

function asking(request: HttpRequest): HttpRequest {
  return request.note(UPLOAD_PROGRESS, true).note(NEEDS, [...(request.read(NEEDS) ?? []), 'uploadProgress'])
}
