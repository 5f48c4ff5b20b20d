/** Kit for plugin authors: whether an attempt that is left can be followed by another one. */
import type { HttpRequest } from '../request.ts'

/**
 * Tells whether a request that was sent can be sent again: it has no body, one that can be produced again, or one that can be
 * produced once and that nobody has begun to read, as where the connection failed. Beyond `request.replayable`, the answer is about this
 * moment: ask when you decide, not before. Whether it is safe to do twice is another question (`request.idempotent`).
 *
 * @example
 * ```ts
 * import { canBeSentAgain, definePlugin, reissue } from 'sluice'
 *
 * // Asks once more when the server says 503.
 * const onceMore = definePlugin({
 *   name: 'onceMore',
 *   scope: 'steer',
 *   defaults: {},
 *   install: () => (request, next) => {
 *     let left = 1
 *     const again = reissue(({ head }) =>
 *       head?.status === 503 && canBeSentAgain(request) && left-- > 0 ? next(request) : undefined,
 *     )
 *     return next(request).pipe(again)
 *   },
 * })
 * console.log(onceMore().name) // onceMore
 * ```
 */
export function canBeSentAgain({ replayable, body }: HttpRequest): boolean {
  return replayable || (body !== undefined && 'spent' in body && !body.spent)
}
