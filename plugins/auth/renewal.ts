/** When a token is replaced, and who waits for that. */
import { catchError, defer, map, of, tap, throwError, type Observable } from 'rxjs'
import type { Asking, TokenAnswer } from './carrying.ts'
import type { HeldToken } from './held-token.ts'
import { SingleFlight } from './single-flight.ts'

/** Why a token is replaced: there is none, it is about to expire, the server took it no longer. */
export type Reason = 'missing' | 'expiring' | 'refused'

/** How one call wants tokens to be replaced. */
export interface Renewing {
  readonly ahead: number | false
  readonly finishRefresh: boolean
  /** Gets another token; nobody else does meanwhile. */
  get(reason: Reason, replaced: HeldToken | undefined, asking: Asking): Observable<HeldToken | undefined>
}

/** Sees to it that one token at a time is got, for whoever needs it. */
export class Renewal {
  readonly #flight = new SingleFlight<HeldToken | undefined>()
  #reason: Reason = 'missing'
  /** The refused token for which another one is being got. */
  #replacing: string | undefined
  /** The token that was refused, and nobody has got another one since. */
  #refused: string | undefined

  /** Says that a token was refused: the next one who wants to send with it gets another one first. */
  refuse(token: HeldToken | undefined): void {
    this.#refused = token?.value
  }

  /** A token, or another one where it is time for that. */
  fresh(held: HeldToken, how: Renewing, asking: Asking): TokenAnswer {
    if (held.value === this.#refused || (this.#flight.running && held.value === this.#replacing)) {
      // Where there is no other one, the server may say so once more.
      return this.renew('refused', held, how, asking).pipe(map(one => one ?? held))
    }
    if (!held.due(how.ahead)) return held
    return this.renew('expiring', held, how, asking).pipe(
      map(one => one ?? held),
      catchError((error: unknown) => {
        if (held.expired) return throwError(() => error as Error)
        asking.tell('refresh failed', { until: held.expiresAt })
        return of(held)
      }),
    )
  }

  /** Another token, got for all who wait. */
  renew(
    reason: Reason,
    replaced: HeldToken | undefined,
    how: Renewing,
    asking: Asking,
  ): Observable<HeldToken | undefined> {
    return defer(() => {
      const joined = this.#flight.running
      asking.renews({ reason: joined ? this.#reason : reason, joined })
      return this.#flight.join(() => {
        this.#reason = reason
        this.#replacing = reason === 'refused' ? replaced?.value : undefined
        return how.get(reason, replaced, asking).pipe(
          tap(() => {
            this.#refused = undefined
          }),
        )
      }, how.finishRefresh)
    }).pipe(
      tap(token => {
        if (token !== undefined) asking.tell('refreshed', { expiresAt: known(token.expiresAt) })
      }),
    )
  }

  /** Ends what nobody waits for. */
  stop(): void {
    this.#flight.stop()
  }
}

function known(ms: number): number | undefined {
  return ms === Infinity ? undefined : ms
}
