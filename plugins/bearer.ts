/** Sends a bearer token and gets another one when it is due. */
import {
  callback,
  definePlugin,
  flag,
  limit,
  listOf,
  optional,
  origin,
  type Check,
  type Interceptor,
  type PluginContext,
  type PluginFactory,
} from '../src/index.ts'
import { Carrying, carried } from './auth/carrying.ts'
import { Errands } from './auth/errands.ts'
import { atHome } from './auth/home.ts'
import { refusesToken } from './auth/refused.ts'
import { States } from './bearer/states.ts'
import type { BearerOptions } from './bearer/options.ts'
import { Tokens } from './bearer/tokens.ts'

export type { Token } from './auth/held-token.ts'
export type { Later } from './auth/later.ts'
export type { BearerOptions, GivenToken, RefreshContext, TokenOption } from './bearer/options.ts'

const defaults: BearerOptions = {
  token: undefined,
  refresh: undefined,
  expires: undefined,
  ahead: 30_000,
  origins: undefined,
  when: refusesToken,
  timeout: 30_000,
  finishRefresh: false,
}

const token: Check = value =>
  (typeof value === 'string' && value !== '') ||
  typeof value === 'function' ||
  (typeof value === 'object' && !Array.isArray(value))
    ? undefined
    : 'a token, a Promise or Observable of tokens, or a function that returns one of these'

const ahead: Check = value => (value === 0 ? undefined : limit(value))

/**
 * Sends a bearer token (RFC 6750) with every request to the origins it belongs to, and gets another one by `refresh` when
 * it is about to expire, or when a server refused it with 401: then the request is sent once more, once. However many requests
 * wait, there is one refresh; one that leaves does not stop it, the last one does. Whoever was refused with a token that has been
 * replaced meanwhile is sent again with the new one, without a refresh. Notices: `refreshing`, `refreshed`,
 * `replaying`, `refresh failed` (ahead of time: the token is still good), `not replayed` (a body that can be sent only once; the 401 is the answer).
 *
 * A refresh that fails is the error of all who waited, and the next request tries anew. A token goes only to `origins`, by default
 * that of the `baseUrl`, and never on a way another origin chose; elsewhere, and where the caller set `Authorization`, requests pass
 * as they are. Without `origins` and `baseUrl` a call fails with `CONFIG`, as it does for a token that cannot be sent.
 *
 * Not for OAuth grants (`oauth2` does those), nor for keys that never change (`apiKey`).
 *
 * It stands inside of `redirect`, `retry` and `resume`, so that each send has the token that counts by then.
 *
 * @example
 * ```ts
 * import { map } from 'rxjs'
 * import { createClient, type Client } from 'sluice'
 * import { bearer, type Token } from 'sluice/plugins/bearer'
 *
 * const client: Client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [bearer({ refresh: () => client.post('login', { key: 'k' }).pipe(map(answer => answer.json<Token>())) })],
 * })
 * client.get('me').subscribe(response => console.log(response.status)) // 200
 * ```
 */
export const bearer: PluginFactory<'bearer', BearerOptions> = definePlugin({
  name: 'bearer',
  scope: 'steer',
  inside: {
    redirect: 'a token must not follow to another origin',
    retry: 'each attempt sends the token that counts by then; around retry, all would repeat the first one',
    resume: 'a continuation after an hour needs a token that is still good',
  },
  defaults,
  check: {
    token,
    refresh: optional(callback),
    expires: optional(callback),
    ahead,
    origins: optional(listOf(origin)),
    when: callback,
    timeout: limit,
    finishRefresh: flag,
  },
  install: (context, own) => installed(own, context),
})

function installed(own: BearerOptions, context: PluginContext): Interceptor<BearerOptions> {
  const errands = new Errands()
  const states = new States(own, errands)
  context.onClose(() => {
    states.stop()
  })
  const main = new Tokens(own, states.of(own))
  return (request, next, options) => {
    if (errands.includes(request) || !atHome(request, options.origins, 'bearer', context)) return next(request)
    if (request.headers.has('authorization')) return next(request)
    const supply = options === own ? main : new Tokens(options, states.of(options))
    const parts = { plugin: 'bearer', request, next, supply, when: options.when }
    return carried(sink => new Carrying(parts, sink))
  }
}
