/** The mock engine without a client around it: what an engine owes, seen at its own door. */
import { Observable } from 'rxjs'
import {
  HttpHeaders,
  HttpRequest,
  LIMITS,
  type Exchange,
  type HttpError,
  type HttpEvent,
  type Limits,
  type RequestBody,
} from 'sluice'
import type { MockEngine } from 'sluice/engines/mock'

/** A request as the core hands it to an engine. */
export function requestTo(url: string, { method = 'GET', body, limits }: Partial<RequestParts> = {}): HttpRequest {
  const fields = { id: 1, method, url, headers: HttpHeaders.none, body, options: {}, notes: undefined }
  const request = new HttpRequest(fields)
  return limits === undefined ? request : request.note(LIMITS, limits)
}

interface RequestParts {
  readonly method: string
  readonly body: RequestBody
  readonly limits: Limits
}

/** One exchange as an Observable, as RxJS users will see it. */
export function exchangeOf(
  engine: MockEngine,
  request: HttpRequest = requestTo('https://api.test/'),
): Observable<HttpEvent> {
  return new Observable(subscriber => {
    const exchange = engine.exchange(request, {
      next: event => subscriber.next(event),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    })
    return () => {
      exchange.abort('unsubscribed')
    }
  })
}

/** What an exchange has said so far. */
export interface Heard {
  readonly exchange: Exchange
  readonly events: readonly HttpEvent[]
  /** The chunks, as text. */
  readonly chunks: readonly string[]
  readonly error: HttpError | undefined
  readonly completed: boolean
}

/** Runs an exchange and writes down what it says. */
export function hear(engine: MockEngine, request: HttpRequest, onEvent?: (event: HttpEvent) => void): Heard {
  const events: HttpEvent[] = []
  let error: HttpError | undefined
  let ends = 0
  const exchange = engine.exchange(request, {
    next(event) {
      if (ends > 0) throw new Error(`${event.type} came after the end`)
      events.push(event)
      onEvent?.(event)
    },
    error(failure) {
      error = failure
      ends++
    },
    complete() {
      ends++
    },
  })
  return {
    exchange,
    events,
    get chunks() {
      return events.flatMap(event => (event.type === 'chunk' ? [new TextDecoder().decode(event.bytes)] : []))
    },
    get error() {
      return error
    },
    get completed() {
      if (ends > 1) throw new Error('the exchange ended twice')
      return ends === 1 && error === undefined
    },
  }
}
