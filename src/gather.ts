/** Turns head and chunks into one whole response, inside everything that may retry. */
import { Observable } from 'rxjs'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead } from './events.ts'
import type { HttpHeaders } from './headers.ts'
import type { HttpRequest } from './request.ts'
import { HttpResponse } from './response.ts'

const EMPTY = new Uint8Array(0)

/** Collects an answer; a truncated body is an error before anybody saw a response. */
export function gather(request: HttpRequest, source: Observable<HttpEvent>): Observable<HttpEvent> {
  return new Observable(subscriber => {
    let head: ResponseHead | undefined
    let trailers: HttpHeaders | undefined
    let whole = false
    const chunks: Uint8Array[] = []
    return source.subscribe({
      next(event) {
        switch (event.type) {
          case 'head':
            head = event.head
            break
          case 'chunk':
            chunks.push(event.bytes)
            break
          case 'trailers':
            trailers = event.headers
            break
          case 'response':
            whole = true
            subscriber.next(event)
            break
          default:
            subscriber.next(event)
        }
      },
      error(error: unknown) {
        subscriber.error(error)
      },
      complete() {
        if (head !== undefined) {
          subscriber.next({
            type: 'response',
            response: new HttpResponse({ head, bytes: concat(chunks), trailers, timings: done(head) }),
          })
        } else if (!whole) {
          subscriber.error(withoutAnswer(request))
          return
        }
        subscriber.complete()
      },
    })
  })
}

/** The error of an engine that completed and had said nothing. */
export function withoutAnswer(request: HttpRequest): HttpError {
  return new HttpError('PROTOCOL', `${describe(request, request.attempt)} ended without an answer.`, {
    phase: 'headers',
    request,
    attempt: request.attempt,
  })
}

function done({ timings }: ResponseHead): ResponseHead['timings'] {
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
