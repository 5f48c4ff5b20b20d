/** Kit for plugin authors: looking at answers, whole or live, and changing them. */
import { map, tap, type MonoTypeOperatorFunction } from 'rxjs'
import type { HeadEvent, HttpEvent, ResponseHead } from '../events.ts'
import type { HttpResponse } from '../response.ts'

/** The event by which an answer arrives: the head of a live one, or a whole one. */
export type AnswerEvent = HeadEvent | (HttpEvent & { readonly type: 'response' })

/** Tells the events by which an answer arrives from all others. */
export function answered(event: HttpEvent): event is AnswerEvent {
  return event.type === 'head' || event.type === 'response'
}

/** The head of an answer, be it live or whole. */
export function headOf(event: AnswerEvent): ResponseHead {
  return event.type === 'head' ? event.head : event.response.head
}

/** How {@link mapAnswer} changes an answer: its head always, the whole response where there is one. */
export interface AnswerMapper {
  readonly head?: (head: ResponseHead) => ResponseHead
  readonly response?: (response: HttpResponse) => HttpResponse
}

/** Changes answers on their way out; all other events pass. What the mapper throws fails the call. */
export function mapAnswer({ head, response }: AnswerMapper): MonoTypeOperatorFunction<HttpEvent> {
  return map(event => {
    if (event.type === 'head') return head ? { ...event, head: head(event.head) } : event
    if (event.type !== 'response') return event
    const mapped = head ? event.response.with({ head: head(event.response.head) }) : event.response
    return { type: 'response', response: response ? response(mapped) : mapped }
  })
}

/** Looks at the head of each answer without changing it; `response` is there when the answer is whole. */
export function tapAnswer(
  look: (head: ResponseHead, response?: HttpResponse) => void,
): MonoTypeOperatorFunction<HttpEvent> {
  return tap(event => {
    if (event.type === 'head') look(event.head)
    else if (event.type === 'response') look(event.response.head, event.response)
  })
}
