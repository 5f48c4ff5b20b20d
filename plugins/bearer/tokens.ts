/** The tokens of a client: which one counts, when another one is got, and by whom. */
import {
  defaultIfEmpty,
  isObservable,
  map,
  of,
  switchMap,
  tap,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs'
import { config, shown, type HttpRequest } from '../../src/index.ts'
import type { Asking, Supply, TokenAnswer } from '../auth/carrying.ts'
import { wanted } from '../auth/errands.ts'
import { HeldToken } from '../auth/held-token.ts'
import { isLater, observed, type Later } from '../auth/later.ts'
import type { Reason, Renewing } from '../auth/renewal.ts'
import { givenWithin } from '../auth/within.ts'
import type { BearerOptions, GivenToken, RefreshContext } from './options.ts'
import type { TokenState } from './states.ts'

/** The tokens of one source. What is refreshed takes the place of the token the source gave, until that gives another one. */
export class Tokens implements Supply, Renewing {
  readonly #options: BearerOptions
  readonly #state: TokenState

  constructor(options: BearerOptions, state: TokenState) {
    this.#options = options
    this.#state = state
  }

  get ahead(): number | false {
    return this.#options.ahead
  }
  get finishRefresh(): boolean {
    return this.#options.finishRefresh
  }

  token(asking: Asking): TokenAnswer {
    return this.#current(held => this.#fresh(held, asking), asking)
  }

  other(refused: HeldToken | undefined, asking: Asking): TokenAnswer {
    return this.#current(held => {
      const newer = held !== undefined && held.value !== refused?.value
      if (this.#options.refresh === undefined || asking.renewed === true) return newer ? held : undefined
      return newer ? this.#fresh(held, asking) : this.#renew('refused', held, asking)
    }, asking)
  }

  replaceable(refused: HeldToken | undefined, renewed: boolean): boolean {
    const { refresh, token } = this.#options
    if ((refresh !== undefined && !renewed) || typeof token === 'function') return true
    const given = this.#state.stream?.now()
    const held = isObservable(given)
      ? undefined
      : this.#state.pick(this.#state.stream === undefined ? this.#state.given : this.#hold(given))
    return held !== undefined && held.value !== refused?.value
  }

  refuse(token: HeldToken | undefined, renewed: boolean): void {
    if (!renewed) this.#state.renewal.refuse(token)
  }

  /** What counts now goes through `use`, as soon as it is known. */
  #current(use: (held: HeldToken | undefined) => TokenAnswer, { request }: Asking): TokenAnswer {
    const given = this.#ask()
    if (!isLater(given)) return use(this.#state.pick(this.#hold(given)))
    return this.#state.errands
      .run(() => observed(given))
      .pipe(
        wanted('The token of bearer'),
        this.#within(request, 'token'),
        switchMap(token => settled(use(this.#state.pick(this.#hold(token))))),
      )
  }

  #ask(): GivenToken | Later<GivenToken> {
    const { token } = this.#options
    if (this.#state.stream !== undefined) return this.#state.stream.now()
    return typeof token === 'function' ? this.#state.errands.call(token) : token
  }

  /** Looks at a token once, and not at every send. */
  #hold(given: GivenToken): HeldToken | undefined {
    const state = this.#state
    if (given !== state.seen) {
      state.given = given === undefined || given === null ? undefined : this.#make(given, false)
      state.seen = given
    }
    return state.given
  }

  #make(given: string | Exclude<GivenToken, string | undefined | null>, fresh: boolean): HeldToken {
    if (typeof given !== 'string' && typeof given !== 'object') {
      throw config(`A token of bearer must be a text or { token, expiresAt }, not ${shown(given)}.`)
    }
    const token = typeof given === 'string' ? { token: given } : given
    return new HeldToken(token, { plugin: 'bearer', scheme: 'Bearer', fresh, expires: this.#options.expires })
  }

  #fresh(held: HeldToken | undefined, asking: Asking): TokenAnswer {
    const { refresh, token } = this.#options
    if (refresh === undefined) return held
    if (held !== undefined) return this.#latest(this.#state.renewal.fresh(held, this, asking))
    return token === undefined ? this.#renew('missing', held, asking) : undefined
  }

  #renew(reason: Reason, replaced: HeldToken | undefined, asking: Asking): TokenAnswer {
    return this.#latest(this.#state.renewal.renew(reason, replaced, this, asking))
  }

  get(reason: Reason, replaced: HeldToken | undefined, asking: Asking): Observable<HeldToken | undefined> {
    const { request, head } = asking
    const { refresh } = this.#options
    const instead = this.#state.given
    const context: RefreshContext = { token: replaced?.value, reason, request, head }
    const start = (): Observable<GivenToken> => {
      const answer = refresh?.(context)
      return isLater(answer) ? observed(answer) : of(answer)
    }
    return this.#state.errands.run(start).pipe(
      defaultIfEmpty(undefined),
      this.#within(request, 'refresh'),
      map(given => (given === undefined || given === null ? undefined : this.#make(given, true))),
      tap(token => {
        if (token !== undefined) this.#state.replace(instead, token)
      }),
    )
  }

  /** What the user said in the meantime is newer than what was refreshed, also that there is no token any more. */
  #latest(answer: TokenAnswer): TokenAnswer {
    const { stream } = this.#state
    if (stream === undefined || !isObservable(answer)) return answer
    return answer.pipe(
      map(token => {
        const given = stream.now()
        return token === undefined || isLater(given) ? token : this.#state.pick(this.#hold(given))
      }),
    )
  }

  #within<T>(request: HttpRequest, what: 'token' | 'refresh'): MonoTypeOperatorFunction<T> {
    return givenWithin(this.#options.timeout, request, 'bearer', `bearer({ ${what} })`)
  }
}

/** What is known now, in the shape of what comes later. */
function settled(answer: TokenAnswer): Observable<HeldToken | undefined> {
  return isObservable(answer) ? answer : of(answer)
}
