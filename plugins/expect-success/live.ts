/** An unwanted answer that comes live: its body is gathered first, up to a limit, so that the error has all of it. */
import type { MonoTypeOperatorFunction } from 'rxjs'
import {
  answered,
  concat,
  headOf,
  HttpResponse,
  MOST_REFUSED,
  Stage,
  staged,
  type AnswerEvent,
  type HttpError,
  type HttpEvent,
  type HttpHeaders,
  type Sink,
} from '../../src/index.ts'

/** Lets wanted answers pass while they arrive, and fails with `makeError` for the others. */
export function refuseLive(
  wanted: (status: number) => boolean,
  makeError: (response: HttpResponse, cause?: unknown) => HttpError,
): MonoTypeOperatorFunction<HttpEvent> {
  return staged(out => new Refusing(wanted, makeError, out))
}

class Refusing extends Stage {
  readonly #wanted: (status: number) => boolean
  readonly #makeError: (response: HttpResponse, cause?: unknown) => HttpError
  #unwanted: Unwanted | undefined

  constructor(
    wanted: (status: number) => boolean,
    makeError: (response: HttpResponse, cause?: unknown) => HttpError,
    out: Sink,
  ) {
    super(out)
    this.#wanted = wanted
    this.#makeError = makeError
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    const unwanted = this.#unwanted
    if (unwanted?.take(event)) {
      if (unwanted.full) this.#refuse(unwanted.response)
    } else if (answered(event)) this.#judge(event)
    else super.next(event)
  }

  override error(failure: unknown): void {
    if (this.#unwanted && !this.ended) this.#refuse(this.#unwanted.response, failure)
    else super.error(failure)
  }

  override complete(): void {
    if (this.#unwanted && !this.ended) this.#refuse(this.#unwanted.response)
    else super.complete()
  }

  #judge(event: AnswerEvent): void {
    let wanted: boolean
    try {
      wanted = this.#wanted(headOf(event).status)
    } catch (error) {
      super.error(error)
      return
    }
    if (wanted) super.next(event)
    else if (event.type === 'response') this.#refuse(event.response)
    else this.#unwanted = new Unwanted(event)
  }

  #refuse(response: HttpResponse, cause?: unknown): void {
    super.error(this.#makeError(response, cause))
  }
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
    return this.#size >= MOST_REFUSED
  }

  get response(): HttpResponse {
    return new HttpResponse({
      head: this.#head.head,
      bytes: concat(this.#chunks).subarray(0, MOST_REFUSED),
      trailers: this.#trailers,
    })
  }
}
