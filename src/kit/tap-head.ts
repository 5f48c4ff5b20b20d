/** Kit for plugin authors: hearing of an answer the moment its head arrives, also where its body is gathered first. */
import type { ResponseHead } from '../events.ts'
import type { HttpRequest } from '../request.ts'
import { Token } from '../token.ts'

/** By this note the edge is told who wants to look at heads as they arrive from the engine. */
export const HEAD_TAP: Token<(head: ResponseHead) => void> = new Token('head tap')

/**
 * Lets `look` see the head of every answer that comes from the engine, before anything of its body is read: also of one whose
 * body is cut off or thrown away later, and not of one that a cache kept. `head.request` says what was asked. What
 * it throws fails the exchange. Give the same function for all requests, so that requests stay comparable.
 *
 * Use `tapAnswer` for answers that are to be heard of when they are whole.
 */
export function tapHead(request: HttpRequest, look: (head: ResponseHead) => void): HttpRequest {
  const outer = request.read(HEAD_TAP)
  if (outer === undefined || outer === look) return request.note(HEAD_TAP, look)
  return request.note(HEAD_TAP, head => {
    look(head)
    outer(head)
  })
}
