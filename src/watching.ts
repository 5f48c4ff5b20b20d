/** The hot stream behind `client.monitor`: silent and free of cost until somebody listens. */
import { Observable, Subject } from 'rxjs'
import { clock } from './clock.ts'
import type { Engine } from './engine.ts'
import { summarise } from './errors.ts'
import type { Lazy } from './lazy.ts'
import type { MonitorEvent, Report } from './monitor.ts'

/** Collects what happens in a client and passes it on to its parents' listeners too. */
export class Watching {
  readonly #parent: Watching | undefined
  readonly #events = new Subject<MonitorEvent>()
  readonly #engine: Lazy<Engine>

  constructor(engine: Lazy<Engine>, parent?: Watching) {
    this.#engine = engine
    this.#parent = parent
  }

  /** What happens from now on; connections are watched while somebody listens. */
  readonly monitor: Observable<MonitorEvent> = new Observable(subscriber => {
    subscriber.add(this.#events.subscribe(subscriber))
    this.#engine.loaded.then(
      engine => {
        if (subscriber.closed) return
        const stop = engine.watch?.(({ type, connection }) => {
          subscriber.next({ type, at: clock.now(), connection })
        })
        if (stop !== undefined) subscriber.add(stop)
      },
      () => undefined, // An engine that cannot be loaded fails the calls, which say so.
    )
  })

  /** Where a call reports to; missing when nobody listens, so that nothing is spent on it. */
  get report(): ((report: Report) => void) | undefined {
    return this.#observed ? this.#publish : undefined
  }

  get #observed(): boolean {
    return this.#events.observed || (this.#parent !== undefined && this.#parent.#observed)
  }

  readonly #publish = (report: Report): void => {
    const at = clock.now()
    this.#emit('request' in report ? { ...report, at, request: summarise(report.request) } : { ...report, at })
  }

  #emit(event: MonitorEvent): void {
    this.#events.next(event)
    if (this.#parent !== undefined) this.#parent.#emit(event)
  }
}
