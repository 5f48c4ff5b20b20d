/** How a call got to where its answer came from. */
import { Token } from '../../src/index.ts'

/** One redirect that was followed. */
export interface Redirect {
  readonly status: number
  /** What was asked, and where. */
  readonly method: string
  readonly url: string
  /** Where the answer pointed to, absolute. */
  readonly location: string
}

/** The redirects followed so far, the oldest first: `response.request.read(REDIRECTS)`. */
export const REDIRECTS: Token<readonly Redirect[]> = new Token<readonly Redirect[]>('redirects')
