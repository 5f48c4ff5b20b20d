/** Turns head and chunks into one whole response, inside everything that may retry. */
import type { Observable, Unsubscribable } from 'rxjs'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead } from './events.ts'
import type { HttpHeaders } from './headers.ts'
import type { HttpRequest } from './request.ts'
import { HttpResponse } from './response.ts'
import { Source, type Sink } from './source.ts'
import { Stage } from './stage.ts'
import { Token } from './token.ts'

const EMPTY = new Uint8Array(0)

/**
 * By this note a plugin that sends a request of its own says how many bytes of an answer it wants at most: one that is gathered
 * and has more is `TOO_LARGE`.
 */
export const MOST_BYTES: Token<number> = new Token<number>('most bytes', Infinity)

/** Collects an answer; a truncated body is an error before anybody saw a response. One that is whole already passes. */
export function gather(request: HttpRequest, events: Observable<HttpEvent>): Observable<HttpEvent> {
  return new Gathered(request, events)
}

class Gathered extends Source {
  readonly #request: HttpRequest
  readonly #events: Observable<HttpEvent>

  constructor(request: HttpRequest, events: Observable<HttpEvent>) {
    super()
    this.#request = request
    this.#events = events
  }

  run(sink: Sink): Unsubscribable {
    return new Gathering(this.#request, sink).over(this.#events)
  }
}

class Gathering extends Stage {
  readonly #request: HttpRequest
  #head: ResponseHead | undefined
  #first: Uint8Array | undefined
  #more: Uint8Array[] | undefined
  #trailers: HttpHeaders | undefined
  #whole = false
  #left: number

  constructor(request: HttpRequest, out: Sink) {
    super(out)
    this.#request = request
    this.#left = request.read(MOST_BYTES) ?? Infinity
  }

  override next(event: HttpEvent): void {
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
        super.next(event)
        break
      default:
        super.next(event)
    }
  }

  override complete(): void {
    const head = this.#head
    if (head !== undefined) {
      super.next({
        type: 'response',
        response: new HttpResponse({ head, bytes: this.#bytes(), trailers: this.#trailers }),
      })
    } else if (!this.#whole) {
      this.error(withoutAnswer(this.#request))
      return
    }
    super.complete()
  }

  #keep(bytes: Uint8Array): void {
    this.#left -= bytes.length
    if (this.#left < 0) {
      this.error(tooLarge(this.#request))
      return
    }
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

/** The error of an answer with more bytes than are wanted. */
function tooLarge(request: HttpRequest): HttpError {
  const most = String(request.read(MOST_BYTES))
  return new HttpError('TOO_LARGE', `The answer to ${describe(request)} is longer than ${most} bytes.`, {
    phase: 'body',
    request,
  })
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
