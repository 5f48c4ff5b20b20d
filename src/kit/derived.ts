/** Kit for plugin authors: work on options that is done once per client instead of once per call. */

/**
 * Makes something out of options and keeps it while they stay the same: the options of a client are one object, so
 * only calls with options of their own make it anew. Use it in `install`. What it is made of beside
 * the options, such as the headers of a request, is given as a second argument and compared too.
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
export function derived<Options extends object, T>(make: (options: Options) => T): (options: Options) => T
export function derived<Options extends object, T, Other>(
  make: (options: Options, other: Other) => T,
): (options: Options, other: Other) => T
export function derived<Options extends object, T, Other>(
  make: (options: Options, other?: Other) => T,
): (options: Options, other?: Other) => T {
  let kept: { readonly options: Options; readonly other: Other | undefined; readonly made: T } | undefined
  return (options, other) => {
    if (kept?.options !== options || kept.other !== other) kept = { options, other, made: make(options, other) }
    return kept.made
  }
}
