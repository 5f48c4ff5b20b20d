/** One request and all that decides on it. */
import { clock, DISCARD, LIVE, type Handler, type HttpRequest } from '../../src/index.ts'
import type { Policy } from './keeping.ts'
import type { Kept } from './kept.ts'
import type { CacheOptions } from './options.ts'
import type { Shelf } from './shelf.ts'
import type { Wish } from './wish.ts'

/** What every part of a call through the cache needs to know. */
export interface Around {
  readonly shelf: Shelf
  readonly policy: Policy
  readonly options: CacheOptions
  readonly key: string
  readonly request: HttpRequest
  readonly next: Handler
  readonly wish: Wish
  /** True when the user asks by conditions of his own, and wants to see what comes of them. */
  readonly conditional: boolean
}

/** True when others may wait for its answer: it is a whole one, and the request asks for nothing special. */
export function isCommon({ request, wish, conditional }: Around): boolean {
  return request.method === 'GET' && wish.plain && !conditional && request.read(LIVE) !== true
}

/** True when a request can do without the body of a kept answer. One whose body was thrown away is for those who would do the same. */
export function needsNoBody({ request }: Around, kept: Kept): boolean {
  return request.method === 'HEAD' || request.read(DISCARD)?.(kept.head(request, clock.now(), '')) === true
}
