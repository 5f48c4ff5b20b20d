/** Turns head and chunks into one whole response, inside everything that may retry. */
import { Observable, type Observer, type Subscriber } from 'rxjs'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead, Timings } from './events.ts'
import type { HttpHeaders } from './headers.ts'
import type { HttpRequest } from './request.ts'
import { HttpResponse } from './response.ts'

const EMPTY = new Uint8Array(0)

/** Collects an answer; a truncated body is an error before anybody saw a response. */
export function gather(request: HttpRequest, source: Observable<HttpEvent>): Observable<HttpEvent> {
  return new Observable(subscriber => source.subscribe(new Gathering(request, subscriber)))
}

class Gathering implements Observer<HttpEvent> {
  readonly #request: HttpRequest
  readonly #subscriber: Subscriber<HttpEvent>
  #head: ResponseHead | undefined
  #first: Uint8Array | undefined
  #more: Uint8Array[] | undefined
  #trailers: HttpHeaders | undefined
  #whole = false

  constructor(request: HttpRequest, subscriber: Subscriber<HttpEvent>) {
    this.#request = request
    this.#subscriber = subscriber
  }

  next(event: HttpEvent): void {
    switch (event.type) {
      case 'head':
        this.#head = event.head
        break
      case 'chunk':
        this.#keep(event.bytes)
        break
      case 'trailers':
        this.#trailers = event.headers
        break
      case 'response':
        this.#whole = true
        this.#subscriber.next(event)
        break
      default:
        this.#subscriber.next(event)
    }
  }

  error(error: unknown): void {
    this.#subscriber.error(error)
  }

  complete(): void {
    const head = this.#head
    if (head !== undefined) {
      const parts = { head, bytes: this.#bytes(), trailers: this.#trailers, timings: done(head.timings) }
      this.#subscriber.next({ type: 'response', response: new HttpResponse(parts) })
    } else if (!this.#whole) {
      this.#subscriber.error(withoutAnswer(this.#request))
      return
    }
    this.#subscriber.complete()
  }

  #keep(bytes: Uint8Array): void {
    if (this.#first === undefined) this.#first = bytes
    else if (this.#more === undefined) this.#more = [this.#first, bytes]
    else this.#more.push(bytes)
  }

  #bytes(): Uint8Array {
    return this.#more === undefined ? (this.#first ?? EMPTY) : concat(this.#more)
  }
}

/** The error of an engine that completed and had said nothing. */
export function withoutAnswer(request: HttpRequest): HttpError {
  return new HttpError('PROTOCOL', `${describe(request, request.attempt)} ended without an answer.`, {
    phase: 'headers',
    request,
    attempt: request.attempt,
  })
}

function done(timings: Timings | undefined): Timings | undefined {
  return timings && { ...timings, done: performance.now() - (timings.startedAt - performance.timeOrigin) }
}

/** Joins chunks; one chunk is taken as it is. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const [first = EMPTY] = chunks
  if (chunks.length < 2) return first
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
