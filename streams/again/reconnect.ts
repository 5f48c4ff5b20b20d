/** One connection after the other, with waits in between. */
import {
  concat,
  defer,
  finalize,
  retry,
  takeUntil,
  EMPTY,
  throwError,
  timer,
  Observable,
  type NextObserver,
} from 'rxjs'
import { Backoff, type BACKOFF } from './backoff.ts'
import type { ConnectionState } from './state.ts'

/** Says how a connection is doing. */
export interface Line {
  /** Which connection it is, counted from 1. */
  readonly attempt: number
  /** The other side has agreed. */
  open(): void
  /** It works: the next wait is a first one again. */
  alive(): void
}

/** What there is to know about connecting again. */
export interface Reconnecting<T> {
  /** Makes a connection, which lives as long as it is subscribed to. */
  readonly connect: (line: Line) => Observable<T>
  /** Says what the end of a connection means. */
  readonly judge: (ending: Ending, attempt: number) => Verdict
  readonly backoff: typeof BACKOFF
  /** Completes the whole when it emits during a wait. */
  readonly ended: Observable<unknown>
  /** Told of every change, for each subscription. */
  readonly state?: NextObserver<ConnectionState> | undefined
}

/** How a connection ended. */
export type Ending = { readonly well: true } | { readonly well: false; readonly error: unknown }

/**
 * What follows: another connection, not before the milliseconds the other side wants to be left alone; the end of the whole with
 * an error; or its completion.
 */
export type Verdict = { readonly again: number } | { readonly fail: unknown } | 'complete'

/** Stands for the end of a connection that ended well. */
const WELL = new Error('The connection ended well.')

/**
 * Makes one connection after the other, until `judge` says that it is enough. Cold: each subscription has its own connections
 * and its own back-off. Leaving it leaves the connection, or the wait.
 */
export function reconnect<T>({ connect, judge, backoff: options, ended, state }: Reconnecting<T>): Observable<T> {
  return defer(() => {
    const backoff = new Backoff(options)
    let attempt = 0
    let failed: unknown
    const tell = (now: ConnectionState): void => {
      state?.next(now)
    }
    const once = defer(() => {
      attempt++
      tell({ name: 'connecting', attempt })
      return connect({
        attempt,
        open() {
          tell({ name: 'open' })
        },
        alive() {
          backoff.reset()
        },
      })
    })
    const afterwards = (thrown: unknown): Observable<unknown> => {
      const ending: Ending = thrown === WELL ? { well: true } : { well: false, error: thrown }
      const verdict = judge(ending, attempt)
      if (verdict === 'complete') return EMPTY
      if (isFinal(verdict)) {
        failed = verdict.fail
        return failing(failed)
      }
      const delay = backoff.next(verdict.again)
      tell({ name: 'waiting', delay, error: ending.well ? undefined : ending.error })
      return timer(delay).pipe(takeUntil(ended))
    }
    return concat(
      once,
      throwError(() => WELL),
    ).pipe(
      retry({ delay: afterwards }),
      finalize(() => {
        tell({ name: 'closed', error: failed })
      }),
    )
  })
}

/** By its own field: others may have put one on every object. */
function isFinal(verdict: Exclude<Verdict, 'complete'>): verdict is { readonly fail: unknown } {
  return Object.hasOwn(verdict, 'fail')
}

/** Whoever threw it may have thrown anything. */
function failing(error: unknown): Observable<never> {
  return new Observable(subscriber => {
    subscriber.error(error)
  })
}
