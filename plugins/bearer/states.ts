/** What is known of tokens, by where they come from. */
import type { Errands } from '../auth/errands.ts'
import type { HeldToken } from '../auth/held-token.ts'
import { Latest } from '../auth/latest-token.ts'
import { isLater } from '../auth/later.ts'
import { Renewal } from '../auth/renewal.ts'
import type { BearerOptions, GivenToken } from './options.ts'

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
  /** What a refresh got, and what the source had given when it began. */
  got: { readonly token: HeldToken; readonly instead: HeldToken | undefined } | undefined

  constructor(errands: Errands, stream?: Latest<GivenToken>) {
    this.errands = errands
    this.stream = stream
  }
}

/** Calls with a token of their own that are remembered, so that those of the same token share a refresh. */
const MOST = 100

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
