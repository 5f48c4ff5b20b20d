/** Takes an answer of the server into the store. */
import { clock, lengthOf, type AnswerEvent, type ResponseHead } from '../../src/index.ts'
import type { Around } from './around.ts'
import { keeping, type Keeping } from './keeping.ts'
import { Recording } from './recording.ts'

/** How a request was sent. */
export interface Sent {
  readonly asked: number
  /** When, as the shelf counts. */
  readonly since: number
  /** True when the body of the answer is thrown away. */
  readonly unread: boolean
}

/** Decides on an answer; a text is the reason why it is not kept. */
export function decide(around: Around, event: AnswerEvent, head: ResponseHead, sent: Sent): Keeping | string {
  const { request, key, policy, options } = around
  const unread = sent.unread || (event.type === 'head' && event.unread === true)
  const decided = keeping({ key, request, head, asked: sent.asked, answered: clock.now(), unread }, policy)
  if (typeof decided === 'string') return decided
  const length = event.type === 'response' ? event.response.bytes.length : (lengthOf(head) ?? 0)
  if (length > options.maxEntry) return 'its body is too long'
  if (event.type === 'head' && event.socket !== undefined) return 'it has no body'
  return decided
}

/** Begins to write it down; what is whole already is written at once. */
export function record(
  { shelf, request, options }: Around,
  event: AnswerEvent,
  decided: Keeping,
  since: number,
): Recording {
  const isValid = (): boolean => !shelf.isChanged(request.url, since)
  const recording = new Recording(shelf.store, decided, options.maxEntry, isValid)
  if (event.type === 'response' || decided.meta.unread) {
    if (event.type === 'response' && !decided.meta.unread) recording.write(event.response.bytes)
    recording.commit()
  }
  return recording
}
