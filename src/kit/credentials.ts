/** What those who prove who one is tell those further in, and what they are told. */
import type { HttpRequest } from '../request.ts'
import { Token } from '../token.ts'

/**
 * Says that another origin chose where this request goes. Credentials stay away from it, also when the way leads back
 * home. Noted by `redirect`, for good; origins it trusts do not count as others.
 */
export const STRAYED: Token<boolean> = new Token('strayed', false)

/** Names the origins that chose where a request that {@link STRAYED} goes, the first first. Noted by `redirect`. */
export const LED_BY: Token<readonly string[]> = new Token('led by', [])

/**
 * Names in whose name a request goes, where its headers will not say so: they come later, or differ with every send
 * (Digest, signatures). What keeps answers keeps those of different names apart. Never a secret. Note it with {@link identified},
 * which adds to what others have said; read it to compare it.
 */
export const IDENTITY: Token<string> = new Token<string>('identity')

/**
 * Notes in {@link IDENTITY} in whose name a request goes, beside what others say of it. A name that begins with the scheme of an
 * `Authorization` (`digest "ada"`) stands for all headers of that scheme: a cache then need not tell them apart. Never put a
 * secret in it; of one that tells people apart, note a hash.
 *
 * @example
 * ```ts
 * import { definePlugin, identified } from 'sluice'
 *
 * const signing = definePlugin({
 *   name: 'signing',
 *   scope: 'steer',
 *   defaults: { keyId: 'k1' },
 *   install: () => (request, next, { keyId }) => {
 *     const headers = request.headers.setSecret('authorization', `Signature keyId="${keyId}", created=…`)
 *     return next(identified(request.with({ headers }), `signature ${keyId}`))
 *   },
 * })
 * console.log(signing().name) // signing
 * ```
 */
export function identified(request: HttpRequest, who: string): HttpRequest {
  const name = who.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  const outer = request.read(IDENTITY)
  if (outer === undefined) return request.note(IDENTITY, name)
  return outer.split('\n').includes(name) ? request : request.note(IDENTITY, `${outer}\n${name}`)
}

/** True when somebody noted a name that stands for all credentials of a scheme. */
export function standsFor(identity: string, scheme: string): boolean {
  const begin = `${scheme.toLowerCase()} `
  return identity.split('\n').some(name => name.toLowerCase().startsWith(begin))
}
