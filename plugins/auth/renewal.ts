/** When a token is replaced, and who waits for that. */
import { catchError, defer, EMPTY, map, of, tap, throwError, type Observable } from 'rxjs'
import { clock } from '../../src/index.ts'
import type { Asking, TokenAnswer } from './carrying.ts'
import type { HeldToken } from './held-token.ts'
import { SingleFlight } from './single-flight.ts'

/** Why a token is replaced: there is none, it is about to expire, the server took it no longer. */
export type Reason = 'missing' | 'expiring' | 'refused'

/** How one call wants tokens to be replaced. */
export interface Renewing {
  readonly ahead: number | false
  readonly finishRefresh: boolean
  /** Gets another token, when subscribed to; nobody else gets one in place of the same meanwhile. */
  get(reason: Reason, replaced: HeldToken | undefined, asking: Asking): Observable<HeldToken | undefined>
}

/** A token that is being replaced. */
interface Replacing {
  readonly reason: Reason
  readonly flight: SingleFlight<HeldToken | undefined>
}

/**
 * Sees to it that a token is replaced once, for all who were to be sent with it. Who has another one waits for another: two
 * tokens may be those of two users.
 */
export class Renewal {
  readonly #replacing = new Map<string | undefined, Replacing>()
  /** The token that was refused, and nobody has got another one since. */
  #refused: string | undefined
  /** The token that could not be replaced ahead of time, and when that is tried again. */
  #postponed: { readonly token: string; readonly until: number } | undefined

  /** Says that a token was refused: the next one who wants to send with it gets another one first. */
  refuse(token: HeldToken | undefined): void {
    this.#refused = token?.value
  }

  /** A token, or another one where it is time for that. */
  fresh(held: HeldToken, how: Renewing, asking: Asking): TokenAnswer {
    if (held.value === this.#refused || this.#replacing.get(held.value)?.reason === 'refused') {
      // Where there is no other one, the server may say so once more.
      return this.renew('refused', held, how, asking).pipe(map(one => one ?? held))
    }
    if (!held.due(how.ahead) || this.#isPostponed(held)) return held
    return this.renew('expiring', held, how, asking).pipe(
      map(one => one ?? held),
      catchError((error: unknown) => {
        if (held.expired) return throwError(() => error as Error)
        // Every request would try again otherwise, while the token is still good.
        this.#postponed = { token: held.value, until: (clock.now() + held.expiresAt) / 2 }
        asking.tell('refresh failed', { until: held.expiresAt })
        return of(held)
      }),
    )
  }

  /** Another token, got for all who wait for one in place of the same. */
  renew(
    reason: Reason,
    replaced: HeldToken | undefined,
    how: Renewing,
    asking: Asking,
  ): Observable<HeldToken | undefined> {
    const token = replaced?.value
    const work = how.get(reason, replaced, asking).pipe(
      tap(() => {
        if (this.#refused === token) this.#refused = undefined
      }),
    )
    return defer(() => {
      const running = this.#replacing.get(token)
      if (!asking.renews({ reason: running?.reason ?? reason, joined: running !== undefined })) return EMPTY
      // Whoever was told may have begun it.
      const replacing = this.#replacing.get(token) ?? this.#replacement(reason, token)
      return replacing.flight.join(() => {
        this.#replacing.set(token, replacing)
        return work
      }, how.finishRefresh)
    }).pipe(
      tap(token => {
        if (token !== undefined) asking.tell('refreshed', { expiresAt: known(token.expiresAt) })
      }),
    )
  }

  /** Ends what nobody waits for. */
  stop(): void {
    for (const { flight } of [...this.#replacing.values()]) flight.stop()
  }

  #replacement(reason: Reason, token: string | undefined): Replacing {
    return { reason, flight: new SingleFlight(() => this.#replacing.delete(token)) }
  }

  #isPostponed({ value }: HeldToken): boolean {
    return this.#postponed?.token === value && clock.now() < this.#postponed.until
  }
}

function known(ms: number): number | undefined {
  return ms === Infinity ? undefined : ms
}
