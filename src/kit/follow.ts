/** Whether a redirect is to be followed. */
import { Token } from '../token.ts'

/** Says that whoever asked wants to see a redirect itself: `redirect` then hands it back. Default `true`, it is followed. */
export const FOLLOW: Token<boolean> = new Token('follow', true)
