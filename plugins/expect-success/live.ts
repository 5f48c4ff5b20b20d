/** An unwanted answer that comes live: its body is gathered first, up to a limit, so that the error has all of it. */
import { Observable, type MonoTypeOperatorFunction } from 'rxjs'
import {
  answered,
  concat,
  headOf,
  HttpResponse,
  type AnswerEvent,
  type HttpError,
  type HttpEvent,
  type HttpHeaders,
} from '../../src/index.ts'

/** How much of an unwanted body is read. */
const MOST = 64 * 1024

/** Lets wanted answers pass while they arrive, and fails with `makeError` for the others. */
export function refuseLive(
  wanted: (status: number) => boolean,
  makeError: (response: HttpResponse, cause?: unknown) => HttpError,
): MonoTypeOperatorFunction<HttpEvent> {
  return source =>
    new Observable(subscriber => {
      let unwanted: Unwanted | undefined
      const refuse = (response: HttpResponse, cause?: unknown): void => {
        subscriber.error(makeError(response, cause))
      }
      const judge = (event: AnswerEvent): void => {
        try {
          if (wanted(headOf(event).status)) subscriber.next(event)
          else if (event.type === 'response') refuse(event.response)
          else unwanted = new Unwanted(event)
        } catch (error) {
          subscriber.error(error)
        }
      }
      subscriber.add(
        source.subscribe({
          next(event) {
            if (unwanted?.take(event)) {
              if (unwanted.full) refuse(unwanted.response)
            } else if (answered(event)) judge(event)
            else subscriber.next(event)
          },
          error(failure: unknown) {
            if (unwanted) refuse(unwanted.response, failure)
            else subscriber.error(failure)
          },
          complete() {
            if (unwanted) refuse(unwanted.response)
            else subscriber.complete()
          },
        }),
      )
    })
}

/** The part of an answer that is kept for its error. */
class Unwanted {
  readonly #head: AnswerEvent & { type: 'head' }
  readonly #chunks: Uint8Array[] = []
  #size = 0
  #trailers: HttpHeaders | undefined

  constructor(event: AnswerEvent & { type: 'head' }) {
    this.#head = event
  }

  /** Keeps what belongs to the answer; says whether it did. */
  take(event: HttpEvent): boolean {
    if (event.type === 'trailers') this.#trailers = event.headers
    if (event.type !== 'chunk') return event.type === 'trailers'
    this.#chunks.push(event.bytes)
    this.#size += event.bytes.length
    return true
  }

  get full(): boolean {
    return this.#size >= MOST
  }

  get response(): HttpResponse {
    return new HttpResponse({
      head: this.#head.head,
      bytes: concat(this.#chunks).subarray(0, MOST),
      trailers: this.#trailers,
    })
  }
}
