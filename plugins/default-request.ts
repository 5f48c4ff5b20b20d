/** What all requests of a client have in common. */
import {
  definePlugin,
  derived,
  HttpError,
  HttpHeaders,
  withQuery,
  type HeadersInit,
  type PluginFactory,
  type Query,
} from '../src/index.ts'

/** Headers and query of requests that do not have their own. */
export interface DefaultRequestOptions {
  /** Header fields for the names a call does not set. Default: none. Throws `CONFIG` for what cannot be sent. */
  headers: HeadersInit
  /** Query values for the names the url of a call does not have, put behind its own. Default: none. */
  query: Query
}

const DEFAULTS: DefaultRequestOptions = { headers: {}, query: {} }

/**
 * Adds headers and query values to every call; what the call says itself wins, name by name. Given per call, `headers`
 * or `query` replace the client's. For a secret use an auth plugin, which knows where it may be sent.
 *
 * It works once per call, outside of whatever sends: a cache sees the whole request, a redirect does not get the query a
 * second time, and to another origin the headers go no further than if the call had set them.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { defaultRequest } from 'sluice/plugins/default-request'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [defaultRequest({ headers: { accept: 'application/json' }, query: { locale: 'en' } })],
 * })
 * client.get('users?locale=de').subscribe(({ request }) => console.log(request.url, request.headers.get('accept')))
 * ```
 */
export const defaultRequest: PluginFactory<'defaultRequest', DefaultRequestOptions> = definePlugin({
  name: 'defaultRequest',
  scope: 'call',
  defaults: DEFAULTS,
  check: { headers: sendable, query: writable },
  install: () => {
    const prepare = derived(({ headers, query }: DefaultRequestOptions) => ({
      headers: HttpHeaders.of(headers),
      query: withQuery('', query).slice(1),
    }))
    return (request, next, options) => {
      const { headers, query } = prepare(options)
      const filled = request.headers.fill(headers)
      if (query !== '') return next(request.with({ headers: filled, url: fillQuery(request.url, query) }))
      return next(filled === request.headers ? request : request.with({ headers: filled }))
    }
  },
})

function fillQuery(url: string, query: string): string {
  if (!url.includes('?')) return `${url}?${query}`
  const own = new URL(url).searchParams
  return withQuery(url, new URLSearchParams([...new URLSearchParams(query)].filter(([name]) => !own.has(name))))
}

function sendable(value: unknown): string | undefined {
  return attempt('header fields', value, () => HttpHeaders.of(value as HeadersInit))
}

function writable(value: unknown): string | undefined {
  return attempt('query values by name', value, () => withQuery('', value as Query))
}

function attempt(wanted: string, value: unknown, make: () => unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return wanted
  try {
    make()
    return undefined
  } catch (error) {
    return error instanceof HttpError ? `${wanted} (${error.message})` : wanted
  }
}
