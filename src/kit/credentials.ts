/** What those who prove who one is tell those further in, and what they are told. */
import { Token } from '../token.ts'

/**
 * Says that another origin chose where this request goes. Credentials stay away from it, also when the way leads back
 * home. Noted by `redirect`, for good; origins it trusts do not count as others.
 */
export const STRAYED: Token<boolean> = new Token('strayed', false)

/**
 * Names in whose name a request goes, where its headers will not say so: they come later, or differ with every send
 * (Digest, signatures). What keeps answers keeps those of different names apart. Never a secret.
 */
export const IDENTITY: Token<string> = new Token<string>('identity')
