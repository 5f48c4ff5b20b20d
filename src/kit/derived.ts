/** Kit for plugin authors: work on options that is done once per client instead of once per call. */

/**
 * Makes something out of options and keeps it while they stay the same: the options of a client are one object, so
 * only calls with options of their own make it anew. Use it in `install`.
 *
 * @example
 * ```ts
 * import { definePlugin, derived, HttpHeaders } from 'sluice'
 *
 * const language = definePlugin({
 *   name: 'language',
 *   scope: 'attempt',
 *   defaults: { tags: ['en'] },
 *   install: () => {
 *     const headers = derived(({ tags }: { tags: string[] }) => HttpHeaders.of({ 'accept-language': tags.join(', ') }))
 *     return (request, next, options) => next(request.with({ headers: request.headers.fill(headers(options)) }))
 *   },
 * })
 * console.log(language({ tags: ['de', 'en'] }).scope) // attempt
 * ```
 */
export function derived<Options extends object, T>(make: (options: Options) => T): (options: Options) => T {
  let kept: { readonly options: Options; readonly made: T } | undefined
  return options => {
    if (kept?.options !== options) kept = { options, made: make(options) }
    return kept.made
  }
}
