/** Proves that the password is known, without sending it. */
import { isObservable, switchMap } from 'rxjs'
import { definePlugin, flag, identified, listOf, optional, origin, text, type PluginFactory } from '../src/index.ts'
import { Errands } from './auth/errands.ts'
import { atHome } from './auth/home.ts'
import { loginOf, loginPart, type Login } from './auth/login.ts'
import { Answering } from './digest/answering.ts'
import { Nonces } from './digest/nonces.ts'
import type { DigestOptions } from './digest/options.ts'
import { fingerprint } from './hashing/fingerprint.ts'

export type { LoginPart } from './auth/login.ts'
export type { DigestOptions } from './digest/options.ts'

const defaults: DigestOptions = {
  username: undefined,
  password: undefined,
  origins: undefined,
  realm: undefined,
  integrity: false,
  md5OverHttp: false,
}

const anything = (): undefined => undefined

/**
 * Proves that the password is known without sending it (RFC 7616): SHA-512-256, SHA-256 and MD5, each with `-sess`, `auth` and
 * `auth-int`, hashed user names, and the form of RFC 2069. Of several challenges the one with the best hash is answered.
 *
 * The first request of a protection space goes without proof and is sent again when the server asks, with a body that can be
 * sent again; from then on proofs go along unasked, each with the next count of the newest nonce (`nextnonce` too), also where
 * many requests run side by side. A challenge is answered once, and once more when it says that only the nonce was too old. A
 * 401 to a proof is handed back as the answer it is, and a request that has an `Authorization` of its own keeps it. Proofs go
 * to the origins they belong to and nowhere else, also when a redirect or a 401 of somebody else asks for them.
 *
 * Errors: a body that would have to be sent again and cannot be (`BODY`), a server without TLS that knows only MD5 (`BLOCKED`; see
 * `md5OverHttp`), a server that claims to know the password and does not (`PROTOCOL`), no `username`, no `password`, and no `origins`
 * in a client without a `baseUrl` (`CONFIG`).
 *
 * Not for servers of your own: a token or a client certificate tells nobody a password, nor what it can be guessed from. It
 * stands inside of `redirect`, `retry` and `resume`, so that each hop, attempt and continuation is proven for itself, and inside
 * of `basic`, so that a server which knows both gets the proof and not the password; set `basic({ preemptive: false })` then.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { digest } from 'sluice/plugins/digest'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [digest({ username: 'ada', password: 'lovelace' })],
 * })
 * client.get('vault').subscribe(response => console.log(response.text())) // 42
 * ```
 */
export const digest: PluginFactory<'digest', DigestOptions> = definePlugin({
  name: 'digest',
  scope: 'steer',
  inside: {
    redirect: 'each hop needs a proof of its own, if it may have one; around redirect it would be asked only once',
    retry: 'each attempt needs a proof of its own; around retry all would send the first one, which counts once',
    resume: 'each continuation needs a proof of its own; around resume the rest would be asked for without',
    basic: 'where a server asks for either, whoever stands further in answers: better a proof than the password',
    apiKey: 'a proof covers the query; around apiKey it would not cover the key in it',
  },
  defaults,
  check: {
    username: loginPart('digest', 'username', anything),
    password: loginPart('digest', 'password', anything),
    origins: optional(listOf(origin)),
    realm: optional(text),
    integrity: flag,
    md5OverHttp: flag,
  },
  install: context => {
    const nonces = new Nonces()
    const named = naming()
    const errands = new Errands()
    return (request, next, options) => {
      if (errands.includes(request) || request.headers.has('authorization')) return next(request)
      if (!atHome(request, options.origins, 'digest', context)) return next(request)
      const answering = (login: Login): Answering =>
        new Answering(identified(request, named(login)), next, options, nonces, login)
      const login = loginOf('digest', options, anything, errands)
      return isObservable(login) ? login.pipe(switchMap(known => answering(known).run())) : answering(login).run()
    }
  },
})

/** Names who asks, by the password too: whoever knows the name alone gets nothing that was kept for its owner. Remembers the last one. */
function naming(): (login: Login) => string {
  let last: Login | undefined
  let name = ''
  return login => {
    const { username, password } = login
    if (last?.username !== username || last.password !== password) {
      name = `digest ${JSON.stringify(username)} ${fingerprint(JSON.stringify([username, password]))}`
      last = login
    }
    return name
  }
}
