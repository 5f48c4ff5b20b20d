/** What a head without a body says of what is kept (RFC 9111 §4.3.4, §4.3.5). */
import { clock, HttpHeaders, type ResponseHead } from '../../src/index.ts'
import type { Around } from './around.ts'
import { merged } from './fields.ts'
import { keeping, type Keeping } from './keeping.ts'
import type { Kept } from './kept.ts'
import type { Found } from './shelf.ts'
import type { Sent } from './taking.ts'
import { sameAs } from './validation.ts'

/** A kept answer with what a newer head says of it; a text is the reason why it must not be kept any longer. */
export function confirm(
  { request, key, policy }: Around,
  kept: Kept,
  head: ResponseHead,
  asked: number,
): Keeping | string {
  const { status, statusText, httpVersion, unread } = kept.meta
  const age = head.headers.get('age')
  const fields = merged(kept.headers, head.headers)
  const headers = age === undefined ? fields : HttpHeaders.received([...fields.flat, 'age', age])
  const known = { ...head, url: request.url, status, statusText, httpVersion, headers }
  return keeping({ key, request, head: known, asked, answered: clock.now(), unread }, policy)
}

/** Freshens what is kept, or drops it, after an answer to a HEAD, or a 304 to the conditions of the user. */
export function freshen(around: Around, { kept, entry }: Found, head: ResponseHead, { asked, since }: Sent): void {
  const { request, shelf, key } = around
  const { etag, meta } = kept
  const speaksOfIt =
    head.status === 304
      ? etag !== undefined && head.headers.get('etag') === etag
      : request.method === 'HEAD' && head.status === meta.status
  if (!speaksOfIt) return
  const decided = sameAs(head, kept) ? confirm(around, kept, head, asked) : 'it has changed'
  if (typeof decided === 'string') shelf.store.remove(key, entry.id)
  else if (!shelf.isChanged(request.url, since)) shelf.store.update(key, entry.id, decided.meta)
}
