/** What came of another's request, as what came of one's own. */
import { isHttpError, type HttpEvent, type HttpRequest, type Token } from '../../src/index.ts'
import { PERSONAL } from './asked.ts'

/** A whole answer on its way out. */
export type AnswerEvent = HttpEvent & { readonly type: 'response' }

/** The answer to `sent` as one to `own`. */
export function addressed({ response }: AnswerEvent, sent: HttpRequest, own: HttpRequest): AnswerEvent {
  const { head } = response
  return { type: 'response', response: response.with({ head: { ...head, request: ownOf(head.request, sent, own) } }) }
}

/** An error says whose request failed, and at which attempt. */
export function readdressed(error: unknown, sent: HttpRequest, own: HttpRequest): unknown {
  if (sent === own || !isHttpError(error) || error.request === undefined) return error
  return error.with({ request: own, attempt: error.attempt === undefined ? undefined : own.attempt })
}

/** What those further in noted on the request they were given tells of the answer, and stays. */
function ownOf(answered: HttpRequest, sent: HttpRequest, own: HttpRequest): HttpRequest {
  const { id, options } = own
  const added: { readonly token: Token<unknown>; readonly value: unknown }[] = []
  let at = answered.notes
  for (; at !== undefined && at !== sent.notes; at = at.older) {
    const token = at.token as Token<unknown>
    if (!PERSONAL.has(token)) added.push({ token, value: at.value })
  }
  let addressee = answered.with({ id, options, notes: own.notes })
  // Made of another request: there is no telling what was added.
  if (at !== sent.notes) return addressee
  for (const { token, value } of added.reverse()) addressee = addressee.note(token, value)
  return addressee
}
