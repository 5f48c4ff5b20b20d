/** The hot stream behind `client.monitor`: silent and free of cost until somebody listens. */
import { Observable, Subject, Subscription, type Subscriber } from 'rxjs'
import { clock } from './clock.ts'
import type { Engine } from './engine.ts'
import { summarise } from './errors.ts'
import type { Lazy } from './lazy.ts'
import type { MonitorEvent, Report } from './monitor.ts'

/** Collects what happens in a client and passes it on to its parents' listeners too. */
export class Watching {
  readonly #parent: Watching | undefined
  readonly #events = new Subject<MonitorEvent>()
  /** What ends with this client, with its parent, and so on. */
  readonly #ends: readonly Subscription[]
  readonly #engine: Lazy<Engine>

  /** `released` settles when the client has ended; then those who listen are told so. */
  constructor(engine: Lazy<Engine>, released: Promise<void>, parent?: Watching) {
    const end = new Subscription()
    const leave = (): void => {
      end.unsubscribe()
    }
    released.then(leave, leave)
    this.#engine = engine
    this.#parent = parent
    this.#ends = parent === undefined ? [end] : [end, ...parent.#ends]
  }

  /** What happens from now on, until this client or a parent has ended; connections are watched while somebody listens. */
  readonly monitor: Observable<MonitorEvent> = new Observable(subscriber => {
    const complete = (): void => {
      subscriber.complete()
    }
    for (const end of this.#ends) {
      end.add(complete)
      subscriber.add(() => {
        end.remove(complete)
      })
    }
    subscriber.add(this.#events.subscribe(subscriber))
    if (this.#engine.now) watch(this.#engine.now, subscriber)
    else {
      this.#engine.loaded.then(
        engine => {
          watch(engine, subscriber)
        },
        () => undefined, // An engine that cannot be loaded fails the calls, which say so.
      )
    }
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

function watch(engine: Engine, subscriber: Subscriber<MonitorEvent>): void {
  if (subscriber.closed) return
  const stop = engine.watch?.(({ type, connection }) => {
    subscriber.next({ type, at: clock.now(), connection })
  })
  if (stop !== undefined) subscriber.add(stop)
}
