/** Proves that a request comes from your own pages (cross-site request forgery). */
import {
  callback,
  config,
  definePlugin,
  describe,
  headerName,
  listOf,
  optional,
  origin,
  shown,
  type Check,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { atHome } from './auth/home.ts'
import { documentCookie, pageOrigin, tokenIn } from './xsrf/page.ts'

/** Options of `xsrf`. Bad input throws `CONFIG`. */
export interface XsrfOptions {
  /** Name of the cookie that has the token. Default `XSRF-TOKEN`. */
  readonly cookie: string
  /** The header the token is sent in. Default `X-XSRF-TOKEN`. */
  readonly header: string
  /**
   * Tells the token in place of the cookie, asked for every send; `undefined` for none. What it throws fails the call, and what is no string
   * is `CONFIG`. Default none.
   */
  readonly token: ((request: HttpRequest) => string | undefined) | undefined
  /**
   * The origins that get the token. Default: the page's own where there is a page, else that of the client's `baseUrl`; without either a request
   * that would need the token fails with `CONFIG`.
   */
  readonly origins: readonly string[] | undefined
}

const DEFAULTS: XsrfOptions = { cookie: 'XSRF-TOKEN', header: 'X-XSRF-TOKEN', token: undefined, origins: undefined }

const cookieName: Check = value =>
  typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value) ? undefined : 'the name of a cookie'

/**
 * Sends the token of a cookie back in a header, which a page of somebody else cannot do: the server compares the two. The rules are Angular's:
 * every method but GET and HEAD, the same origin only (of the parsed url, however it was written), and never over a header the call has.
 *
 * The token comes from the request's own `Cookie`, else from the page's cookies, percent-decoded. Where there is none, nothing is sent, and the
 * server will say no. A request that another origin had redirected gets no token.
 *
 * Leave it out where no cookie says who one is: what does not ride along by itself (a bearer token) cannot be forged.
 *
 * It works once for each send, further in than `cookies`, because the cookie it looks for is put on there.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { xsrf } from 'sluice/plugins/xsrf'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [xsrf()] })
 * client.post('echo', {}, { headers: { cookie: 'XSRF-TOKEN=a1b2' } }).subscribe(response => {
 *   console.log(response.json<{ headers: Record<string, string> }>().headers['x-xsrf-token']) // a1b2
 * })
 * ```
 */
export const xsrf: PluginFactory<'xsrf', XsrfOptions> = definePlugin({
  name: 'xsrf',
  scope: 'attempt',
  inside: { cookies: 'the token is in a cookie, which cookies puts on the request' },
  defaults: DEFAULTS,
  check: { cookie: cookieName, header: headerName, token: optional(callback), origins: optional(listOf(origin)) },
  install: ({ baseUrl }) => {
    const own = pageOrigin()
    const page = own === undefined ? undefined : [own]
    return (request, next, options) => {
      const { method, headers } = request
      const { header, origins = page } = options
      if (method === 'GET' || method === 'HEAD' || headers.has(header)) return next(request)
      if (!atHome(request, origins, 'xsrf', { baseUrl })) return next(request)
      const token = tokenFor(request, options)
      // Whoever reads it can forge requests, whatever the header is called.
      return next(token === undefined ? request : request.with({ headers: headers.setSecret(header, token) }))
    }
  },
})

function tokenFor(request: HttpRequest, { token, cookie }: XsrfOptions): string | undefined {
  if (token === undefined) return tokenIn(request.headers.get('cookie'), cookie) ?? tokenIn(documentCookie(), cookie)
  const given: unknown = token(request)
  if (given === undefined || typeof given === 'string') return given
  const what = typeof given === 'object' ? shown(given) : `a value of type ${typeof given}`
  throw config(`xsrf({ token }) must return a string or undefined, not ${what}; it was asked for ${describe(request)}.`)
}
