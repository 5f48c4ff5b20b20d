/** What is known of tokens, by where they come from. */
import type { Errands } from '../auth/errands.ts'
import type { HeldToken } from '../auth/held-token.ts'
import { Latest } from '../auth/latest-token.ts'
import { isLater } from '../auth/later.ts'
import { Renewal } from '../auth/renewal.ts'
import type { BearerOptions, GivenToken } from './options.ts'

/**
 * How many tokens are remembered that were refreshed, and how many calls that have a token of their own, so that those of
 * the same one share a refresh.
 */
const MOST = 100

/** What is known of the tokens of one source. */
export class TokenState {
  readonly renewal: Renewal = new Renewal()
  readonly errands: Errands
  /** Hears tokens that come later; without it each send asks for one. */
  readonly stream: Latest<GivenToken> | undefined
  /** What the source gave last, as it gave it. */
  seen: GivenToken
  /** The same in hand. */
  given: HeldToken | undefined
  /** What refreshes got, by what the source had given when they began. */
  readonly #got = new Map<string | undefined, HeldToken>()

  constructor(errands: Errands, stream?: Latest<GivenToken>) {
    this.errands = errands
    this.stream = stream
  }

  /** What counts when the source gives this. */
  pick(given: HeldToken | undefined): HeldToken | undefined {
    return this.#got.get(given?.value) ?? given
  }

  /** A refresh got another token; the source may take it over. */
  replace(given: HeldToken | undefined, token: HeldToken): void {
    for (const value of [given?.value, token.value]) {
      this.#got.delete(value)
      this.#got.set(value, token)
    }
    for (const oldest of this.#got.keys()) {
      if (this.#got.size <= MOST) break
      this.#got.delete(oldest)
    }
  }
}

type Source = Pick<BearerOptions, 'token' | 'refresh'>

/** What a client knows: of the token it has itself, and of those of calls that have one of their own. */
export class States {
  readonly #own: Source
  readonly #main: TokenState
  readonly #others = new Map<unknown, { readonly refresh: BearerOptions['refresh']; readonly state: TokenState }>()
  readonly #errands: Errands

  constructor(own: Source, errands: Errands) {
    const { token } = own
    this.#own = own
    this.#errands = errands
    const stream =
      typeof token !== 'function' && isLater(token) ? new Latest(token, errands, 'The token of bearer') : undefined
    this.#main = new TokenState(errands, stream)
  }

  of({ token, refresh }: Source): TokenState {
    if (token === this.#own.token && refresh === this.#own.refresh) return this.#main
    const known = this.#others.get(token)
    this.#others.delete(token)
    const entry = known?.refresh === refresh && known !== undefined ? known : this.#open(refresh)
    // The one that was used last stands last.
    this.#others.set(token, entry)
    return entry.state
  }

  /** Hears no tokens any more, and ends what nobody waits for. */
  stop(): void {
    this.#main.stream?.stop()
    for (const { renewal } of [this.#main, ...[...this.#others.values()].map(({ state }) => state)]) renewal.stop()
  }

  #open(refresh: BearerOptions['refresh']): { refresh: BearerOptions['refresh']; state: TokenState } {
    if (this.#others.size >= MOST) this.#others.delete(this.#others.keys().next().value)
    return { refresh, state: new TokenState(this.#errands) }
  }
}
