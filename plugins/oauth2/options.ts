/** What can be said of OAuth 2. */
import type { Observer } from 'rxjs'
import type { ResponseHead } from '../../src/index.ts'
import type { Later } from '../auth/later.ts'

/** Tokens as they are kept: plain data. */
export interface OAuth2Tokens {
  readonly accessToken: string
  /** How the access token is sent. */
  readonly type: 'Bearer' | 'DPoP'
  /** When the access token expires, in milliseconds since the epoch; missing when nobody said. */
  readonly expiresAt?: number | undefined
  readonly refreshToken?: string | undefined
  /** What was granted, where the server said so. */
  readonly scope?: string | undefined
}

/** Keeps tokens beyond the life of a client. */
export interface TokenStore {
  /**
   * Tokens that were saved, by another process too; asked for the first ones, before each refresh, and after one whose refresh token
   * was used already. `undefined` when there are none.
   */
  load(): OAuth2Tokens | undefined | null | Later<OAuth2Tokens | undefined | null>
  /** Saves tokens before who waited for them goes on. What comes later is waited for. */
  save(tokens: OAuth2Tokens): unknown
}

/** What a person has to do to let a device in (RFC 8628 §3.2). */
export interface DeviceCode {
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the code in it, for a QR code. */
  readonly verificationUriComplete: string | undefined
  /** Until when the code is good, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/** How a client proves to the authorization server who it is. */
export type ClientAuthentication =
  | { readonly method: 'none' }
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly key: CryptoKey; readonly kid?: string | undefined }

/** Where the authorization server is, where it is not asked. */
export interface OAuth2Endpoints {
  readonly token: string
  readonly deviceAuthorization?: string | undefined
}

/** Options of `oauth2`. Bad input throws `CONFIG`. */
export interface OAuth2Options {
  /**
   * The authorization server, by whose metadata its endpoints are found (RFC 8414, then OpenID Connect Discovery). With
   * `endpoints` it is not asked, and only names the server. Default none.
   */
  readonly issuer: string | undefined
  /** The endpoints, instead of asking the `issuer`. Default none. */
  readonly endpoints: OAuth2Endpoints | undefined
  readonly clientId: string | undefined
  /** How the client proves who it is. Default `{ method: 'none' }`, for clients that can keep no secret. */
  readonly authentication: ClientAuthentication
  /** How the first tokens are got (RFC 6749 §4.4, §6; RFC 8628). A refresh token is used first, whatever the grant. Default `client_credentials`. */
  readonly grant: 'client_credentials' | 'refresh_token' | 'device_code'
  /** The refresh token to begin with, for one that was got elsewhere, as by a login in a browser. Not for calls that ask for other tokens. Default none. */
  readonly refreshToken: string | undefined
  /** What is asked for, names with spaces between them. Default: what the server grants. */
  readonly scope: string | undefined
  /** For whom the token is to be, for servers that want it so. Default none. */
  readonly audience: string | undefined
  /** What the token is to be used at (RFC 8707). Default none. */
  readonly resource: string | readonly string[] | undefined
  /** Sent to the token endpoint beside the others. Default none. */
  readonly parameters: Readonly<Record<string, string>>
  /**
   * Binds tokens to a key (DPoP, RFC 9449): what is stolen is of no use. `true` makes a key for the life of the client; tokens that are kept longer
   * need a pair of yours. A server that gives an unbound token is an error. Default false.
   */
  readonly dpop: boolean | CryptoKeyPair
  /** Shows a person what to do; needed for `device_code`. Default none. */
  readonly prompt: ((device: DeviceCode) => void) | undefined
  /** Keeps tokens beyond the client. Default: they end with it. */
  readonly store: TokenStore | undefined
  /** Told of all tokens that are got, once they are saved, or loaded; a `Subject` makes an Observable of it. Default none. */
  readonly tokens: Pick<Observer<OAuth2Tokens>, 'next'> | undefined
  /**
   * How long before it expires a token is replaced, in milliseconds, at most half its life; `false` waits until it is refused. Fails
   * that while the token is still good, it is used. Default 30 000.
   */
  readonly ahead: number | false
  /** Where tokens may go, as in `'https://api.example.com'`. Default: the origin of the client's `baseUrl`. */
  readonly origins: readonly string[] | undefined
  /** Says which answers refuse a token. Default: 401, but for `insufficient_scope`, `invalid_request` (RFC 6750 §3.1) and `use_dpop_nonce`. */
  readonly when: (head: ResponseHead) => boolean
  /** How long one request to the authorization server, or the store, may take, in milliseconds; then it fails with `TIMEOUT`. `false` for no limit. Default 30 000. */
  readonly timeout: number | false
  /** Lets a refresh that nobody waits for any more run to its end, for servers that give a refresh token only once. Default false. */
  readonly finishRefresh: boolean
  /** Sends secrets and tokens to an authorization server over http, where everybody can read along. This machine is always allowed. Default false. */
  readonly allowInsecureRequests: boolean
}
