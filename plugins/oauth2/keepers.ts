/** The tokens of a client, and those of calls that ask for others. */
import { config } from '../../src/index.ts'
import type { Errands } from '../auth/errands.ts'
import { Keeper } from './keeper.ts'
import type { OAuth2Options } from './options.ts'
import type { Proofs } from './proofs.ts'

/** Grants of calls that are remembered. */
const MOST = 100

/** What makes tokens other tokens. */
const WHICH = [
  'issuer',
  'endpoints',
  'clientId',
  'grant',
  'refreshToken',
  'scope',
  'audience',
  'resource',
  'parameters',
] as const

/** What is the client's, for all its tokens. */
const OF_THE_CLIENT = [
  'authentication',
  'dpop',
  'prompt',
  'store',
  'tokens',
  'allowInsecureRequests',
  'timeout',
] as const

/** Finds the tokens a call is to be sent with. */
export class Keepers {
  readonly #own: OAuth2Options
  readonly #main: Keeper
  readonly #others = new Map<string, Keeper>()
  readonly #proofs: Proofs | undefined
  readonly #errands: Errands

  constructor(own: OAuth2Options, proofs: Proofs | undefined, errands: Errands) {
    this.#own = own
    this.#proofs = proofs
    this.#errands = errands
    this.#main = new Keeper(own, proofs, errands)
  }

  of(options: OAuth2Options): Keeper {
    if (options === this.#own) return this.#main
    const wrong = OF_THE_CLIENT.find(name => options[name] !== this.#own[name])
    if (wrong !== undefined) throw config(`oauth2({ ${wrong} }) is said of a client, not of one call.`)
    const which = keyOf(options)
    if (which === keyOf(this.#own)) return this.#main
    const keeper = this.#others.get(which) ?? this.#open(options)
    // The one that was used last stands last.
    this.#others.delete(which)
    this.#others.set(which, keeper)
    return keeper
  }

  /** Ends what nobody waits for. */
  stop(): void {
    for (const { renewal } of [this.#main, ...this.#others.values()]) renewal.stop()
  }

  /** The store holds the client's tokens, and those alone; its refresh token is good for them, and often once. */
  #open(options: OAuth2Options): Keeper {
    const refreshToken = options.refreshToken === this.#own.refreshToken ? undefined : options.refreshToken
    if (options.grant === 'refresh_token' && refreshToken === undefined) {
      throw config(
        'A call that asks for other tokens than its client needs a refresh token of its own: { oauth2: { refreshToken } }.',
      )
    }
    if (this.#others.size >= MOST) this.#others.delete(this.#others.keys().next().value ?? '')
    return new Keeper({ ...options, refreshToken, store: undefined }, this.#proofs, this.#errands)
  }
}

function keyOf(options: OAuth2Options): string {
  return JSON.stringify(WHICH.map(name => options[name] ?? null))
}
