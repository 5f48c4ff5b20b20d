/** From what a user says of a call to the request that is sent inward. */
import { prepareBody, type Body } from './body.ts'
import { shown } from './check.ts'
import type { MethodOption, RequestOptions, Url } from './client.ts'
import { config } from './errors.ts'
import { HttpHeaders } from './headers.ts'
import { own } from './own.ts'
import type { Params } from './params.ts'
import { checkMethod, HttpRequest } from './request.ts'
import { resolveUrl, type BaseUrl } from './url.ts'

/** The options of a call, those of plugins among them. */
type AnyOptions = RequestOptions & MethodOption & { readonly params?: Params | undefined }

/** What a user says of a call. */
export interface Said {
  /** Missing where the options name it. */
  readonly method: string | undefined
  readonly url: Url
  readonly body: Body
  readonly options: object | undefined
}

/** A request, and the options of the call it was made of. */
export interface Prepared {
  readonly request: HttpRequest
  readonly options: AnyOptions
}

/** The plugin options of a call that has none. */
export const NO_PLUGIN_OPTIONS: Readonly<Record<string, object | false>> = Object.freeze(
  Object.create(null) as Record<string, never>,
)

const NO_OPTIONS: AnyOptions = NO_PLUGIN_OPTIONS

/**
 * Makes a request; it is done anew for every subscription. `encoder` is the plugin that encodes plain values: unless the call leaves
 * it out they are kept for it. Throws `CONFIG` before anything is sent.
 */
export function prepareRequest(said: Said, id: number, base: BaseUrl | undefined, encoder?: string): Prepared {
  const options = optionsOf(said)
  const { href, authorization } = resolveUrl(said.url, base, options.params, options.query)
  const method = checkMethod(said.method ?? options.method ?? 'GET')
  let headers = HttpHeaders.of(options.headers)
  if (authorization !== undefined && !headers.has('authorization')) {
    headers = headers.set('authorization', authorization)
  }
  const keep = encoder !== undefined && (options as Readonly<Record<string, unknown>>)[encoder] !== false
  const { body, contentType } = prepareBody(said.body ?? options.body, keep)
  if (contentType !== undefined && !headers.has('content-type')) headers = headers.set('content-type', contentType)
  const request = new HttpRequest({
    id,
    method,
    url: href,
    headers,
    body,
    options: NO_PLUGIN_OPTIONS,
    notes: undefined,
  })
  return { request, options }
}

function optionsOf({ method, body, options: given }: Said): AnyOptions {
  if (given === undefined) return NO_OPTIONS
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw config(`The options of a call must be an object, not ${shown(given)}.`)
  }
  const options: AnyOptions = own(given)
  if (method !== undefined && options.method !== undefined) {
    throw config(`The call has the method ${method} already; use request(method, url) or leave the option out.`)
  }
  if (body !== undefined && body !== null && options.body !== undefined) {
    throw config('The call has two bodies, one as argument and one as option; leave one of them out.')
  }
  return options
}
