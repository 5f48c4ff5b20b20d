/** Kit for plugin authors: looking at answers, whole or live, and changing them. */
import type { MonoTypeOperatorFunction } from 'rxjs'
import type { HeadEvent, HttpEvent, ResponseHead } from '../events.ts'
import type { HttpResponse } from '../response.ts'
import type { Sink } from '../source.ts'
import { Stage, staged } from '../stage.ts'

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
export function mapAnswer(mapper: AnswerMapper): MonoTypeOperatorFunction<HttpEvent> {
  return staged(out => new Mapping(mapper, out))
}

/** Looks at the head of each answer without changing it; `response` is there when the answer is whole. */
export function tapAnswer(
  look: (head: ResponseHead, response?: HttpResponse) => void,
): MonoTypeOperatorFunction<HttpEvent> {
  return staged(out => new Tapping(look, out))
}

class Mapping extends Stage {
  readonly #mapper: AnswerMapper

  constructor(mapper: AnswerMapper, out: Sink) {
    super(out)
    this.#mapper = mapper
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    let mapped: HttpEvent
    try {
      mapped = answered(event) ? this.#map(event) : event
    } catch (error) {
      this.error(error)
      return
    }
    super.next(mapped)
  }

  #map(event: AnswerEvent): HttpEvent {
    const { head, response } = this.#mapper
    if (event.type === 'head') return head ? { ...event, head: head(event.head) } : event
    const headed = head ? event.response.with({ head: head(event.response.head) }) : event.response
    const mapped = response ? response(headed) : headed
    return mapped === event.response ? event : { type: 'response', response: mapped }
  }
}

class Tapping extends Stage {
  readonly #look: (head: ResponseHead, response?: HttpResponse) => void

  constructor(look: (head: ResponseHead, response?: HttpResponse) => void, out: Sink) {
    super(out)
    this.#look = look
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    try {
      if (event.type === 'head') this.#look(event.head)
      else if (event.type === 'response') this.#look(event.response.head, event.response)
    } catch (error) {
      this.error(error)
      return
    }
    super.next(event)
  }
}
