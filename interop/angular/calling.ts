/** The plugin by which the backend tells its requests what Angular said of them, and hears of their uploads. */
import { Observable } from 'rxjs'
import {
  definePlugin,
  FOLLOW,
  NEEDS,
  PLATFORM,
  UPLOAD_PROGRESS,
  type PlatformWishes,
  type PluginFactory,
  type ProgressEvent,
} from '../../src/index.ts'

/** Hears how far the body of a request is. */
export interface Upload {
  /** Fails the request where the engine cannot tell. */
  readonly must: boolean
  readonly tell: (event: ProgressEvent) => void
}

/** What goes with one request. */
interface CallingOptions {
  readonly wishes: PlatformWishes
  readonly follow: boolean
  readonly upload: Upload | undefined
}

/** The per-call option of {@link calling}. */
export interface Calling {
  readonly angular?: Partial<CallingOptions>
}

const DEFAULTS: CallingOptions = { wishes: {}, follow: true, upload: undefined }

/** Stands outermost, so that all others read what it notes. */
export const calling: PluginFactory<'angular', CallingOptions> = definePlugin({
  name: 'angular',
  scope: 'call',
  defaults: DEFAULTS,
  install:
    ({ engine }) =>
    (request, next, { wishes, follow, upload }) => {
      const noted = request.note(PLATFORM, wishes).note(FOLLOW, follow)
      if (upload === undefined || request.body === undefined) return next(noted)
      if (!upload.must && !engine.capabilities.uploadProgress) return next(noted)
      const needs = [...(request.read(NEEDS) ?? []), 'uploadProgress'] as const
      const events = next(noted.note(UPLOAD_PROGRESS, true).note(NEEDS, needs))
      return new Observable(subscriber =>
        events.subscribe({
          next(event) {
            if (event.type === 'progress' && event.way === 'up') upload.tell(event)
            else subscriber.next(event)
          },
          error(error: unknown) {
            subscriber.error(error)
          },
          complete() {
            subscriber.complete()
          },
        }),
      )
    },
})
