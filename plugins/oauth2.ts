/** Gets tokens from an OAuth 2 server and sends them. */
import {
  callback,
  config,
  definePlugin,
  flag,
  limit,
  listOf,
  oneOf,
  optional,
  origin,
  own,
  text,
  type PluginFactory,
} from '../src/index.ts'
import { Carrying, carried } from './auth/carrying.ts'
import { Errands } from './auth/errands.ts'
import { atHome } from './auth/home.ts'
import { refusesToken } from './auth/refused.ts'
import { ahead, authentication, dpop, endpoints, issuer, parameters, resource, store, tokens } from './oauth2/checks.ts'
import { Kept } from './oauth2/keeper.ts'
import { Keepers } from './oauth2/keepers.ts'
import type { OAuth2Options } from './oauth2/options.ts'
import { Proofs } from './oauth2/proofs.ts'
import { Proving } from './oauth2/proving.ts'

export type {
  ClientAuthentication,
  DeviceCode,
  OAuth2Endpoints,
  OAuth2Options,
  OAuth2Tokens,
  TokenStore,
} from './oauth2/options.ts'

const defaults: OAuth2Options = {
  issuer: undefined,
  endpoints: undefined,
  clientId: undefined,
  authentication: { method: 'none' },
  grant: 'client_credentials',
  refreshToken: undefined,
  scope: undefined,
  audience: undefined,
  resource: undefined,
  parameters: {},
  dpop: false,
  prompt: undefined,
  store: undefined,
  tokens: undefined,
  ahead: 30_000,
  origins: undefined,
  when: refusesToken,
  timeout: 30_000,
  finishRefresh: false,
  allowInsecureRequests: false,
}

/**
 * Gets access tokens from an OAuth 2 server (RFC 6749) by client credentials, refresh token or device code (RFC 8628), and sends
 * them with every request to the origins they belong to, bound to a key if asked (DPoP, RFC 9449). They are got when the first request needs
 * them, before they expire, and when a server refused one with 401, after which the request is sent once more, once: by the refresh token where
 * there is one, else by the grant. However many requests wait, the authorization server is asked once; one that leaves does
 * not stop that, the last one does. Notices: `refreshing`, `refreshed`, `replaying`, `refresh failed`, `not replayed`.
 *
 * The authorization server is spoken to by oauth4webapi through the plugins further in of this client (`proxy`, `timeout`, `userAgent`, …), over https, on
 * this machine over http too. What it refuses is `STATUS` with its answer; what makes no sense `PROTOCOL`; a device nobody lets in
 * `TIMEOUT`. No error shows a token, a secret, or what a body said. Then the next request tries anew.
 *
 * Not for a person who logs in with a browser: what that brings, a refresh token, goes on here (`grant: 'refresh_token'`). Not for tokens of another kind:
 * `bearer` takes them from anywhere.
 *
 * It stands inside of `redirect`, `retry` and `resume`, so that each send has the token, and the proof, that counts by then.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { oauth2 } from 'sluice/plugins/oauth2'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [
 *     oauth2({
 *       endpoints: { token: 'https://api.example.com/token' },
 *       clientId: 'ledger',
 *       authentication: { method: 'client_secret_basic', secret: 's3cret' },
 *       scope: 'read',
 *     }),
 *   ],
 * })
 * client.get('me').subscribe(response => console.log(response.status)) // 200
 * ```
 */
export const oauth2: PluginFactory<'oauth2', OAuth2Options> = definePlugin({
  name: 'oauth2',
  scope: 'steer',
  inside: {
    redirect: 'a token must not follow to another origin, and a proof is for one url',
    retry: 'each attempt sends the token that counts by then, and a proof is good once',
    resume: 'a continuation after an hour needs a token that is still good',
  },
  defaults,
  check: {
    issuer: optional(issuer),
    endpoints: optional(endpoints),
    clientId: optional(text),
    authentication,
    grant: oneOf('client_credentials', 'refresh_token', 'device_code'),
    refreshToken: optional(text),
    scope: optional(text),
    audience: optional(text),
    resource: optional(resource),
    parameters,
    dpop,
    prompt: optional(callback),
    store: optional(store),
    tokens: optional(tokens),
    ahead,
    origins: optional(listOf(origin)),
    when: callback,
    timeout: limit,
    finishRefresh: flag,
    allowInsecureRequests: flag,
  },
  install: (context, client) => {
    checkWhole(client)
    const errands = new Errands()
    const proofs = client.dpop === false ? undefined : new Proofs(client.dpop)
    const keepers = new Keepers(client, proofs, errands)
    context.onClose(() => {
      keepers.stop()
    })
    return (request, next, options) => {
      if (errands.includes(request) || !atHome(request, options.origins, 'oauth2', context)) return next(request)
      if (request.headers.has('authorization')) return next(request)
      if (options !== client) checkWhole(options)
      const supply = new Kept(keepers.of(options), options, next)
      const parts = { plugin: 'oauth2', request, next, supply, when: options.when }
      return carried(sink => (proofs === undefined ? new Carrying(parts, sink) : new Proving(parts, proofs, sink)))
    }
  },
})

/** What only makes sense together. */
function checkWhole({
  issuer: named,
  endpoints: given,
  clientId,
  authentication: how,
  grant,
  prompt,
}: OAuth2Options): void {
  if (named === undefined && given === undefined) {
    throw config("oauth2 needs { issuer }, to ask it for its endpoints, or { endpoints: { token: 'https://…' } }.")
  }
  if (clientId === undefined || clientId === '') throw config('oauth2 needs { clientId }.')
  if (grant === 'client_credentials' && how.method === 'none') {
    throw config(
      'oauth2 with the grant client_credentials needs { authentication }: a client that proves nothing has no credentials.',
    )
  }
  if (grant !== 'device_code') return
  if (prompt === undefined)
    throw config('oauth2 with the grant device_code needs { prompt } to show a person what to do.')
  if (given !== undefined && own(given).deviceAuthorization === undefined) {
    throw config('oauth2 with the grant device_code needs { endpoints: { deviceAuthorization } }.')
  }
}
