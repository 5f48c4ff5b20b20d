/** Items out of a live body: read, parsed and handed on only as fast as they are wanted. */
import { Observable, type Subscriber } from 'rxjs'
import type { Emit, Parser, Readable } from './parser.ts'
import { Projecting, type Project } from './projecting.ts'
import { sliced } from './sliced.ts'

export type { Emit, Parser } from './parser.ts'
export type { Project } from './projecting.ts'

/** How items are handed on. */
export interface ItemOptions<T, R> {
  /** Called with each item; what it returns is emitted in its place. Default: none, items are emitted as they are. */
  readonly project?: Project<T, R> | undefined
  /** How many of the projector's results may run at the same time, at least 1. Default 1: in order, one after the other. */
  readonly concurrency?: number | undefined
}

// Without a prototype: nothing is read that somebody else put on one.
const NONE = Object.create(null) as object

/**
 * Makes an Observable of the items in the body of a live answer.
 *
 * Without a projector all items of a chunk are emitted in one go, and the next chunk is read then. With one, at most `concurrency`
 * of its results run at a time, and the next chunk is read when there is a free place and no item left. What fails (the body, the
 * parser, the projector, one of its results) is the error of the Observable; a body or an item that is broken only when what came
 * before is done. `piece` is how many bytes are parsed at a time for a projector.
 */
export function items<T, R = T>(
  response: Readable,
  parser: Parser<T>,
  { project, concurrency = 1 }: ItemOptions<T, R> = NONE,
  piece?: number,
): Observable<R> {
  return new Observable<R>(subscriber => {
    // Without a projector, R is T: there is nothing that could make anything else of an item.
    if (project === undefined) each(response, parser, subscriber as unknown as Subscriber<T>)
    else new Projecting(sliced(response, piece), parser, project, concurrency, subscriber).advance()
  })
}

function each<T>(response: Readable, parser: Parser<T>, subscriber: Subscriber<T>): void {
  const emit: Emit<T> = item => {
    subscriber.next(item)
    return wanted()
  }
  const wanted = (): boolean => !subscriber.closed
  const fail = (error: unknown): void => {
    subscriber.error(error)
  }
  const take = (bytes: Uint8Array | undefined): void => {
    if (!wanted()) return
    try {
      if (bytes === undefined) parser.end(emit)
      else parser.push(bytes, emit)
    } catch (error) {
      fail(error)
      return
    }
    if (bytes === undefined) subscriber.complete()
    else if (wanted()) response.read().then(take, fail)
  }
  response.read().then(take, fail)
}
