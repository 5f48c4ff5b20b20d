/** The tokens of a client: which one counts, how the next one is got, and where it is kept. */
import { defaultIfEmpty, map, of, switchMap, tap, throwError, type Observable, type OperatorFunction } from 'rxjs'
import { config, type Handler, type HttpRequest } from '../../src/index.ts'
import type { Asking, Supply, TokenAnswer } from '../auth/carrying.ts'
import type { Errands } from '../auth/errands.ts'
import { HeldToken } from '../auth/held-token.ts'
import { isLater, observed } from '../auth/later.ts'
import { Renewal, type Reason, type Renewing } from '../auth/renewal.ts'
import { givenWithin } from '../auth/within.ts'
import { byDevice } from './device.ts'
import { codeOf, failureOf } from './failure.ts'
import { speaking, type Door, type Fetch, type Trail } from './fetching.ts'
import { checkedTokens } from './kept.ts'
import type { OAuth2Options, OAuth2Tokens } from './options.ts'
import type { Proofs } from './proofs.ts'
import { AuthorizationServer } from './server.ts'

/** Tokens of one grant. */
export class Keeper {
  readonly renewal: Renewal = new Renewal()
  readonly #options: OAuth2Options
  readonly #server: AuthorizationServer
  readonly #errands: Errands
  readonly #type: OAuth2Tokens['type']
  #held: HeldToken | undefined
  #refreshToken: string | undefined
  /** The access token the store had when it was looked at last, or was given. */
  #stored: string | undefined

  constructor(options: OAuth2Options, proofs: Proofs | undefined, errands: Errands) {
    this.#options = options
    this.#server = new AuthorizationServer(options, proofs)
    this.#errands = errands
    this.#type = proofs === undefined ? 'Bearer' : 'DPoP'
    this.#refreshToken = options.refreshToken
  }

  /** The token in hand. */
  get held(): HeldToken | undefined {
    return this.#held
  }

  /** Gets other tokens: those another process has saved meanwhile, else by refresh token, else by the grant. */
  get(replaced: HeldToken | undefined, request: HttpRequest, next: Handler): Observable<HeldToken> {
    const { timeout, allowInsecureRequests: allowInsecure } = this.#options
    const door: Door = { id: request.id, next, timeout, allowInsecure }
    return this.#news(replaced, request).pipe(
      switchMap(held => (held === undefined ? this.#got(door, replaced, request) : of(held))),
    )
  }

  /** What the store has that it had not before, and that is still good. */
  #news(replaced: HeldToken | undefined, request: HttpRequest): Observable<HeldToken | undefined> {
    return this.#load(request).pipe(
      map(kept => {
        // What it had before was sent before: a refresh token that is sent twice was stolen once.
        if (kept === undefined || kept.accessToken === this.#stored) return undefined
        this.#stored = kept.accessToken
        this.#refreshToken = kept.refreshToken ?? this.#refreshToken
        const held = this.#hold(kept, false)
        if (held.expired || held.value === replaced?.value) return undefined
        this.#held = held
        this.#options.tokens?.next(kept)
        return held
      }),
    )
  }

  #got(door: Door, replaced: HeldToken | undefined, request: HttpRequest): Observable<HeldToken> {
    const refreshToken = this.#refreshToken
    if (refreshToken === undefined) return this.#granted(door, request).pipe(this.#keep(request))
    const asked = this.#speaking(door, request, async (fetch, trail) => {
      try {
        return { tokens: await this.#server.refreshed(fetch, trail, refreshToken) }
      } catch (error) {
        if (codeOf(error) !== 'invalid_grant') throw error
        return { refusal: failureOf(error, trail, request) }
      }
    })
    return asked.pipe(
      switchMap(({ tokens, refusal }) => {
        if (tokens !== undefined) return of(tokens).pipe(this.#keep(request))
        // A refresh token that is taken no longer never will be again. Perhaps another process has used it.
        if (this.#refreshToken === refreshToken) this.#refreshToken = undefined
        return this.#news(replaced, request).pipe(
          switchMap(held => {
            if (held !== undefined) return of(held)
            if (this.#options.grant === 'refresh_token') return throwError(() => refusal)
            return this.#granted(door, request).pipe(this.#keep(request))
          }),
        )
      }),
    )
  }

  #granted(door: Door, request: HttpRequest): Observable<OAuth2Tokens> {
    const { grant, prompt } = this.#options
    switch (grant) {
      case 'client_credentials':
        return this.#speaking(door, request, (fetch, trail) => this.#server.forClient(fetch, trail))
      case 'device_code':
        return byDevice(this.#server, door, request, device => this.#errands.call(() => prompt?.(device)))
      case 'refresh_token':
        return throwError(() =>
          config(
            'oauth2 has no refresh token that is taken: give one, as in oauth2({ refreshToken }), or by the store.',
          ),
        )
    }
  }

  #speaking<T>(door: Door, request: HttpRequest, work: (fetch: Fetch, trail: Trail) => Promise<T>): Observable<T> {
    return speaking(door, (fetch, trail) =>
      work(fetch, trail).catch((error: unknown) => {
        throw failureOf(error, trail, request)
      }),
    )
  }

  #load(request: HttpRequest): Observable<OAuth2Tokens | undefined> {
    const { store } = this.#options
    if (store === undefined) return of(undefined)
    return this.#stores(() => store.load(), 'load', request).pipe(
      map(tokens => {
        const kept = checkedTokens(tokens)
        return kept?.type === this.#type ? kept : undefined
      }),
    )
  }

  #save(tokens: OAuth2Tokens, request: HttpRequest): Observable<unknown> {
    const { store } = this.#options
    if (store === undefined) return of(undefined)
    return this.#stores(() => store.save(tokens), 'save', request).pipe(
      tap(() => {
        this.#stored = tokens.accessToken
      }),
    )
  }

  #stores(work: () => unknown, what: string, request: HttpRequest): Observable<unknown> {
    const start = (): Observable<unknown> => {
      const given = work()
      return isLater(given) ? observed(given) : of(given)
    }
    return this.#errands
      .run(start)
      .pipe(
        defaultIfEmpty(undefined),
        givenWithin(this.#options.timeout, request, 'oauth2', `oauth2({ store }) to ${what}`),
      )
  }

  #hold({ accessToken: token, expiresAt, type: scheme }: OAuth2Tokens, fresh: boolean): HeldToken {
    return new HeldToken({ token, expiresAt }, { plugin: 'oauth2', scheme, fresh, expires: undefined })
  }

  /** They count from now on, also when they cannot be saved: what was there before may be worth nothing by now. */
  #keep(request: HttpRequest): OperatorFunction<OAuth2Tokens, HeldToken> {
    return switchMap(tokens => {
      const held = (this.#held = this.#hold(tokens, true))
      this.#refreshToken = tokens.refreshToken ?? this.#refreshToken
      const told = (): void => {
        this.#options.tokens?.next(tokens)
      }
      return this.#save(tokens, request).pipe(
        tap({ next: told, error: told }),
        map(() => held),
      )
    })
  }
}

/** Tokens for one request, which is what the authorization server is asked through. */
export class Kept implements Supply, Renewing {
  readonly #keeper: Keeper
  readonly #options: OAuth2Options
  readonly #next: Handler

  constructor(keeper: Keeper, options: OAuth2Options, next: Handler) {
    this.#keeper = keeper
    this.#options = options
    this.#next = next
  }

  get ahead(): number | false {
    return this.#options.ahead
  }
  get finishRefresh(): boolean {
    return this.#options.finishRefresh
  }

  token(asking: Asking): TokenAnswer {
    const { held, renewal } = this.#keeper
    return held === undefined ? renewal.renew('missing', held, this, asking) : renewal.fresh(held, this, asking)
  }

  other(refused: HeldToken | undefined, asking: Asking): TokenAnswer {
    const { held, renewal } = this.#keeper
    const newer = held !== undefined && held.value !== refused?.value
    if (asking.renewed === true) return newer ? held : undefined
    return newer ? renewal.fresh(held, this, asking) : renewal.renew('refused', held, this, asking)
  }

  replaceable(refused: HeldToken | undefined, renewed: boolean): boolean {
    const { held } = this.#keeper
    return !renewed || (held !== undefined && held.value !== refused?.value)
  }

  refuse(token: HeldToken | undefined, renewed: boolean): void {
    if (!renewed) this.#keeper.renewal.refuse(token)
  }

  get(_: Reason, replaced: HeldToken | undefined, { request }: Asking): Observable<HeldToken> {
    return this.#keeper.get(replaced, request, this.#next)
  }
}
