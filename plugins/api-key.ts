/** Sends an API key. */
import { switchMap, type Observable } from 'rxjs'
import type { HttpError } from '../src/index.ts'
import {
  config,
  definePlugin,
  derived,
  headerName,
  HttpHeaders,
  identified,
  limit,
  listOf,
  optional,
  origin,
  text,
  withQuery,
  type Check,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { Errands, wanted } from './auth/errands.ts'
import { atHome } from './auth/home.ts'
import { Latest } from './auth/latest-token.ts'
import { isLater, observed, type Later } from './auth/later.ts'
import { givenWithin } from './auth/within.ts'
import { fingerprint } from './hashing/fingerprint.ts'

export type { Later } from './auth/later.ts'

/** A key; `undefined` or `null` when there is none. */
export type GivenKey = string | undefined | null

/** Where the key comes from. */
export type KeyOption = GivenKey | Later<GivenKey> | (() => GivenKey | Later<GivenKey>)

/** Options of {@link apiKey}. Bad input throws `CONFIG`. */
export interface ApiKeyOptions {
  /**
   * The key: a value, a function that is asked for every send, or what comes later: a Promise is waited for, of an Observable
   * the latest value is sent, from the first request that needs it until the client ends (that of a single call, and what a
   * function returns, is asked for one value). `undefined` or `null`: the request goes without. Default none.
   */
  readonly key: KeyOption
  /** The header it is sent in. Default `x-api-key`, unless there is `query`. */
  readonly header: string | undefined
  /** The name in the query it is sent under, in place of a header. Servers and proxies log urls: prefer a header. Default none. */
  readonly query: string | undefined
  /** What stands before the key in the header, as in `'ApiKey '`. Default nothing. */
  readonly prefix: string
  /** Where the key may go, as in `'https://api.example.com'`. Default: the origin of the client's `baseUrl`. */
  readonly origins: readonly string[] | undefined
  /** How long a key that comes later is waited for, in milliseconds; then it fails with `TIMEOUT`. `false` for no limit. Default 30 000. */
  readonly timeout: number | false
}

const defaults: ApiKeyOptions = {
  key: undefined,
  header: undefined,
  query: undefined,
  prefix: '',
  origins: undefined,
  timeout: 30_000,
}

const key: Check = value =>
  (typeof value === 'string' && value !== '') ||
  typeof value === 'function' ||
  (typeof value === 'object' && (value === null || isLater(value)))
    ? undefined
    : 'a key, a Promise or Observable of keys, or a function that returns one of these'

const query: Check = value => (typeof value === 'string' && value !== '' ? undefined : 'a name for the query')

/**
 * Sends an API key with every request to the origins it belongs to, in a header or in the query. It is never shown: not in errors,
 * not in logs, whatever the header is called. What keeps answers (`cache`, `dedupe`) keeps those of different keys apart.
 *
 * A key goes only to `origins`, by default that of the `baseUrl`, and never on a way another origin chose; elsewhere requests pass
 * as they are, and so does one that has the header, or the name in its query, already. An answer of 401 is
 * handed back. Without `origins` and `baseUrl` a call fails with `CONFIG`, as it does for a key that cannot be sent.
 *
 * Not for tokens that expire: `bearer` and `oauth2` get new ones.
 *
 * It stands inside of `redirect`, `retry` and `resume`, so that each send has the key that counts by then.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { apiKey } from 'sluice/plugins/api-key'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [apiKey({ key: 's3cret', header: 'x-partner' })],
 * })
 * client.get('users/7').subscribe(({ request }) => console.log(request.headers.toJSON()['x-partner'])) // <redacted:6>
 * ```
 */
export const apiKey: PluginFactory<'apiKey', ApiKeyOptions> = definePlugin({
  name: 'apiKey',
  scope: 'steer',
  inside: {
    redirect: 'a key must not follow to another origin',
    retry: 'each attempt sends the key that counts by then',
    resume: 'a continuation sends the key that counts by then',
  },
  defaults,
  check: {
    key,
    header: optional(headerName),
    query: optional(query),
    prefix: text,
    origins: optional(listOf(origin)),
    timeout: limit,
  },
  install: (context, own) => {
    const errands = new Errands()
    const latest =
      typeof own.key !== 'function' && isLater(own.key) ? new Latest(own.key, errands, 'The key of apiKey') : undefined
    context.onClose(() => latest?.stop())
    const written = derived(writing)
    return (request, next, options) => {
      if (errands.includes(request) || !atHome(request, options.origins, 'apiKey', context)) return next(request)
      if (hasKey(request, options)) return next(request)
      const ask = options.key
      const given = ask === own.key && latest ? latest.now() : typeof ask === 'function' ? errands.call(ask) : ask
      const send = (value: GivenKey): Observable<HttpEvent> =>
        next(value === undefined || value === null ? request : written(options, value)(request))
      return isLater(given) ? later(given, request, send, options, errands) : send(given)
    }
  },
})

function later(
  given: Later<GivenKey>,
  request: HttpRequest,
  send: (value: GivenKey) => ReturnType<Handler>,
  { timeout }: ApiKeyOptions,
  errands: Errands,
): Observable<HttpEvent> {
  return errands
    .run(() => observed(given))
    .pipe(wanted('The key of apiKey'), givenWithin(timeout, request, 'apiKey', 'apiKey({ key })'), switchMap(send))
}

/** True when the caller sends a key himself. */
function hasKey({ url, headers }: HttpRequest, options: ApiKeyOptions): boolean {
  if (options.query === undefined) return headers.has(options.header ?? HEADER)
  return url.includes('?') && new URL(url).searchParams.has(options.query)
}

const HEADER = 'x-api-key'

/** Writes a key into requests. */
function writing(options: ApiKeyOptions, value: string): (request: HttpRequest) => HttpRequest {
  const { header, query: name, prefix } = options
  if (name !== undefined) {
    if (header !== undefined || prefix !== '') {
      throw config('apiKey({ query }) sends the key in the query; leave header and prefix out, or query.')
    }
    if (typeof value !== 'string' || value === '' || !value.isWellFormed()) throw unsendable('a text that is not empty')
    return request => request.with({ url: withQuery(request.url, { [name]: value }) })
  }
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw unsendable('visible ASCII characters without spaces')
  }
  const added = HttpHeaders.none.setSecret(header ?? HEADER, prefix + value)
  const identity = `apiKey:${fingerprint(value)}`
  return request => identified(request.with({ headers: request.headers.fill(added) }), identity)
}

function unsendable(wanted: string): HttpError {
  return config(`apiKey was given a key that cannot be sent; it must be ${wanted}.`)
}
