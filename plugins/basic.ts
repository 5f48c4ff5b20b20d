/** Says who asks by name and password. */
import { concat, isObservable, of, switchMap, type Observable } from 'rxjs'
import {
  config,
  definePlugin,
  derived,
  flag,
  HttpHeaders,
  listOf,
  notice,
  optional,
  origin,
  text,
  type HttpEvent,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { Errands } from './auth/errands.ts'
import { atHome } from './auth/home.ts'
import { checkLogin, loginOf, loginPart, type Login, type LoginCheck } from './auth/login.ts'
import { isRealm } from './auth/realm.ts'
import { Spaces } from './auth/spaces.ts'
import { Entering } from './basic/entering.ts'
import type { BasicOptions } from './basic/options.ts'

export type { LoginPart } from './auth/login.ts'
export type { BasicOptions } from './basic/options.ts'

const defaults: BasicOptions = {
  username: undefined,
  password: undefined,
  origins: undefined,
  preemptive: undefined,
  realm: undefined,
}

/** RFC 7617 §2: a colon ends the name, and control characters are nowhere. */
const wrong: LoginCheck = (part, given) => {
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\0-\x1f\x7f]/.test(given)) return 'text without control characters (RFC 7617 §2)'
  return part === 'username' && given.includes(':') ? 'a name without a colon, which ends it (RFC 7617 §2)' : undefined
}

/**
 * Says who asks by name and password (RFC 7617), both as UTF-8 in normal form C. They go to the origins they belong to
 * and nowhere else, also when a redirect or a 401 of somebody else asks for them.
 *
 * Over https they are sent at once. Over http everybody on the way can read them: they are sent when the server asks for
 * Basic, then to all that is as deep as that url or deeper, and a notice `sent in clear` says so once an origin.
 * Use `digest` there, if the server knows it, or https.
 *
 * A 401 to credentials that were sent is handed back as the answer it is. A request that has an `Authorization` of its own
 * keeps it. One that has to be sent again and has a body that cannot be is the error `BODY`. Without `username` or
 * `password`, and without `origins` in a client without a `baseUrl`, a call fails with `CONFIG`.
 *
 * Not for tokens: those are for `bearer`. It stands inside of `redirect` and `retry`, which makes every hop and every
 * attempt ask anew where it goes.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { basic } from 'sluice/plugins/basic'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [basic({ username: 'ada', password: () => Promise.resolve('lovelace') })],
 * })
 * client.get('ledger').subscribe(response => console.log(response.status)) // 200
 * client.get('ledger', { basic: { password: 'wrong' } }).subscribe(response => console.log(response.status)) // 401
 * ```
 */
export const basic: PluginFactory<'basic', BasicOptions> = definePlugin({
  name: 'basic',
  scope: 'steer',
  inside: {
    redirect: 'each hop asks anew whether the password may go there; around redirect it would be asked only once',
    retry: 'each attempt asks anew for a password that may have changed; around retry all would send the first one',
    resume: 'the rest of a body is asked for with credentials too; around resume, it would go without',
  },
  defaults,
  check: {
    username: loginPart('basic', 'username', wrong),
    password: loginPart('basic', 'password', wrong),
    origins: optional(listOf(origin)),
    preemptive: optional(flag),
    realm: optional(text),
  },
  install: context => {
    const fixed = derived((options: BasicOptions) => {
      const { username, password } = options
      const known = typeof username === 'string' && typeof password === 'string'
      return known ? headersOf({ username, password }) : undefined
    })
    const spaces = new Spaces<string>()
    const warned = new Set<string>()
    const errands = new Errands()
    return (request, next, options) => {
      if (errands.includes(request) || request.headers.has('authorization')) return next(request)
      if (!atHome(request, options.origins, 'basic', context)) return next(request)
      const send = (headers: HttpHeaders): Observable<HttpEvent> => {
        const sent = request.with({ headers: request.headers.fill(headers) })
        if (!isReadable(request) || warned.has(request.origin)) return next(sent)
        warned.add(request.origin)
        return concat(of(notice('basic', 'sent in clear', { origin: request.origin })), next(sent))
      }
      const enter = (): Observable<HttpEvent> => {
        const headers = fixed(options)
        if (headers !== undefined) return send(headers)
        const login = loginOf('basic', options, wrong, errands)
        return isObservable(login) ? login.pipe(switchMap(known => send(headersOf(known)))) : send(headersOf(login))
      }
      const { preemptive, realm } = options
      checkLogin('basic', options)
      const unasked = preemptive ?? (realm === undefined && !isReadable(request))
      const fits = (known: string): boolean => isRealm(known, realm)
      if (unasked || spaces.find(request.url, fits) !== undefined) return enter()
      return new Entering({ request, next, realm, enter, spaces }).run()
    }
  },
})

/** True where everybody on the way can read along. */
function isReadable({ url }: HttpRequest): boolean {
  return url.startsWith('http:')
}

function headersOf({ username, password }: Login): HttpHeaders {
  const bytes = new TextEncoder().encode(`${username.normalize()}:${password.normalize()}`)
  // A header has at most 64 KiB; what is longer would not fit into the arguments of a call either.
  if (bytes.length > 16_384) throw config('basic({ username, password }) must fit into a header, at most 16 KiB.')
  return HttpHeaders.of({ authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` })
}
