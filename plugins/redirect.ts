/** Follows redirects without taking secrets along. */
import { count, definePlugin, flag, FOLLOW, headerName, listOf, origin, type PluginFactory } from '../src/index.ts'
import { Following } from './redirect/following.ts'
import type { RedirectOptions } from './redirect/options.ts'

export { REDIRECTS, type Redirect } from './redirect/history.ts'
export type { RedirectOptions } from './redirect/options.ts'

const defaults: RedirectOptions = {
  limit: 10,
  trustedOrigins: [],
  keepHeaders: [],
  allowDowngrade: false,
}

/**
 * Follows redirects (301, 302, 303, 307, 308) as the Fetch standard says: 303 becomes GET, a POST that gets 301 or 302
 * becomes GET, everything else is sent again as it was. `response.url` is where the answer came from, and
 * `response.request.read(REDIRECTS)` tells how it got there.
 *
 * To another origin (scheme, host or port) only harmless headers are taken along: `Accept`, `Accept-Language`,
 * `Accept-Encoding`, `User-Agent`, `Range`, `If-Range` and what describes the body. What was left behind does not come
 * back, also when a later redirect leads home. Plugins further in run for each hop anew.
 *
 * These redirects are errors, with the answer in `error.response`: more than `limit`, a loop, two places at once, a
 * place that is no http(s) url or has a user or password (all `PROTOCOL`), from https to http (`BLOCKED`), and one
 * that needs a body sent again that cannot be (`BODY`). A 3xx without `Location` is no redirect and is handed back.
 *
 * Leave it out of a call (`redirect: false`) to look at redirects yourself.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { redirect, REDIRECTS } from 'sluice/plugins/redirect'
 *
 * const client = createClient({ plugins: [redirect({ limit: 5 })] })
 * client.get('https://api.example.com/moved').subscribe(response => {
 *   console.log(response.url, response.request.read(REDIRECTS)?.length) // https://api.example.com/users/7 1
 * })
 * ```
 */
export const redirect: PluginFactory<'redirect', RedirectOptions> = definePlugin({
  name: 'redirect',
  scope: 'steer',
  defaults,
  check: { limit: count, trustedOrigins: listOf(origin), keepHeaders: listOf(headerName), allowDowngrade: flag },
  install: () => (request, next, options) =>
    request.read(FOLLOW) === false ? next(request) : new Following(request, next, options).run(),
})
