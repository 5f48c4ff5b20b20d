/** The plugin options of a call, said through Angular. */
import { HttpContext, HttpContextToken } from '@angular/common/http'

/** What a request says to the plugins of the client. */
export const SLUICE_OPTIONS: HttpContextToken<object> = new HttpContextToken<object>(() => ({}))

/**
 * Says what one call of `HttpClient` wants of the plugins of the client: its own retries, its own limits, or none of them.
 * What is not installed fails the call with `CONFIG`. With a `context` of yours, it is added to that.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { withSluiceOptions } from 'sluice/angular'
 *
 * const context = withSluiceOptions({ retry: { times: 5 }, timeout: { headers: 2_000 } })
 * // http.get<User>('/api/users/7', { context })
 * console.log([...context.keys()].length) // 1
 * ```
 */
export function withSluiceOptions(options: object, context: HttpContext = new HttpContext()): HttpContext {
  return context.set(SLUICE_OPTIONS, { ...context.get(SLUICE_OPTIONS), ...options })
}
