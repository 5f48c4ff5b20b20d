/** From what a user says of a call to the request that is sent inward. */
import { prepareBody, type Body } from './body.ts'
import type { MethodOption, RequestOptions, Url } from './client.ts'
import { HttpHeaders } from './headers.ts'
import { checkMethod, HttpRequest } from './request.ts'
import type { Params } from './params.ts'
import { resolveUrl, type BaseUrl } from './url.ts'

/** The options of a call, those of plugins among them. */
export type AnyOptions = RequestOptions & MethodOption & { readonly params?: Params | undefined }

/** What a user says of a call. */
export interface Said {
  readonly method: string
  readonly url: Url
  readonly body: Body
  readonly options: AnyOptions
}

/** Makes a request; it is done anew for every subscription. Throws `CONFIG` before anything is sent. */
export function prepareRequest(said: Said, id: number, base: BaseUrl | undefined): HttpRequest {
  const { options } = said
  const { href, authorization } = resolveUrl(said.url, base, options.params, options.query)
  const { body, contentType } = prepareBody(said.body)
  let headers = HttpHeaders.of(options.headers)
  if (contentType !== undefined && !headers.has('content-type')) headers = headers.set('content-type', contentType)
  if (authorization !== undefined && !headers.has('authorization')) {
    headers = headers.set('authorization', authorization)
  }
  const method = checkMethod(said.method)
  return new HttpRequest({ id, method, url: href, headers, body, options: NO_PLUGIN_OPTIONS, notes: undefined })
}

/** The plugin options of a call that has none. */
export const NO_PLUGIN_OPTIONS: Readonly<Record<string, object | false>> = Object.freeze(
  Object.create(null) as Record<string, never>,
)
