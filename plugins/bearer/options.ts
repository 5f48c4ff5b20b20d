/** What can be said of bearer tokens. */
import type { HttpRequest, ResponseHead } from '../../src/index.ts'
import type { Token } from '../auth/held-token.ts'
import type { Later } from '../auth/later.ts'
import type { Reason } from '../auth/renewal.ts'

/** A token, alone or with when it expires; `undefined` or `null` when there is none. */
export type GivenToken = string | Token | undefined | null

/** Where the token comes from. */
export type TokenOption = GivenToken | Later<GivenToken> | (() => GivenToken | Later<GivenToken>)

/** What a refresh is told. */
export interface RefreshContext {
  /** The token that is to be replaced; `undefined` when there is none. */
  readonly token: string | undefined
  /** `missing`: there is none · `expiring`: it is about to · `refused`: the server took it no longer. */
  readonly reason: Reason
  /** The first of the requests that wait. */
  readonly request: HttpRequest
  /** The head of the answer that refused it, where there was one. */
  readonly head: ResponseHead | undefined
}

/** Options of `bearer`. Bad input throws `CONFIG`. */
export interface BearerOptions {
  /**
   * The token: a value, a function that is asked for every send, or what comes later. A Promise is waited for; of an
   * Observable the latest value is sent, from the first request that needs it until the client ends (that of a
   * single call, and what a function returns, is asked for one value). `undefined` or `null`: the request goes without.
   * When it expires is known of a JWT, or said beside it: `{ token, expiresAt }`. Default: none, `refresh` gets the first.
   */
  readonly token: TokenOption
  /**
   * Gets another token, once for all requests that wait for it. Its failure is theirs, and the next request tries
   * anew; `undefined` says that there is none. What it sends through the same client at once goes without a token and does not
   * wait, also when it is redirected or retried; what it sends later has to say so: `{ bearer: false }`. Those with the same token share
   * a refresh, and those with none. Default none.
   */
  readonly refresh: ((context: RefreshContext) => GivenToken | Later<GivenToken>) | undefined
  /** When a token expires, in milliseconds since the epoch, where neither it nor what comes with it says so. Default: `exp` of a JWT. */
  readonly expires: ((token: string) => number | undefined) | undefined
  /**
   * How long before it expires a token is replaced, in milliseconds, at most half its life; `false` waits until it is refused.
   * Fails that while the token is still good, it is used. Default 30 000.
   */
  readonly ahead: number | false
  /** Where the token may go, as in `'https://api.example.com'`. Default: the origin of the client's `baseUrl`. */
  readonly origins: readonly string[] | undefined
  /** Says which answers refuse a token. Default: 401, but for `insufficient_scope` and `invalid_request` (RFC 6750 §3.1). */
  readonly when: (head: ResponseHead) => boolean
  /** How long a token, or a refresh, is waited for, in milliseconds; then it fails with `TIMEOUT`. `false` for no limit. Default 30 000. */
  readonly timeout: number | false
  /** Lets a refresh that nobody waits for any more run to its end, for servers that give a refresh token only once. Default false. */
  readonly finishRefresh: boolean
}
