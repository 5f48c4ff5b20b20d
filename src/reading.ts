/** What a reader makes of a live answer, and how the call ends with it. */
import { from, type Observer, type Subscriber } from 'rxjs'
import type { Call } from './call.ts'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead } from './events.ts'
import { withoutAnswer } from './gather.ts'
import { LiveBody } from './live-body.ts'
import type { HttpRequest } from './request.ts'
import { StreamingResponse, type Reader } from './streaming.ts'

/** Feeds the events of a call to a reader, and what the reader makes of them to the call's subscriber. */
export class Reading<T> implements Observer<HttpEvent> {
  readonly #call: Call
  readonly #reader: Reader<T>
  readonly #subscriber: Subscriber<T>
  #body: LiveBody | undefined

  constructor(call: Call, reader: Reader<T>, subscriber: Subscriber<T>) {
    this.#call = call
    this.#reader = reader
    this.#subscriber = subscriber
  }

  next(event: HttpEvent): void {
    this.#call.report(event)
    switch (event.type) {
      case 'head':
        this.#begin(event.head, new LiveBody(event.flow))
        break
      case 'chunk':
        this.#body?.push(event.bytes)
        break
      case 'trailers':
        if (this.#body) this.#body.trailers = event.headers
        break
      case 'response': {
        // A whole answer where a live one was asked for: a cache, a mock.
        const body = new LiveBody({ pause: nothing, resume: nothing })
        if (event.response.bytes.length > 0) body.push(event.response.bytes)
        body.trailers = event.response.trailers
        body.finish()
        this.#begin(event.response.head, body)
        break
      }
      default:
    }
  }

  error(error: unknown): void {
    if (this.#body) this.#body.fail(error)
    else this.#call.fail(error)
  }

  complete(): void {
    if (this.#body) this.#body.finish()
    else this.#call.fail(withoutAnswer(this.#call.request))
  }

  #begin(head: ResponseHead, body: LiveBody): void {
    this.#body = body
    const call = this.#call
    const subscriber = this.#subscriber
    try {
      subscriber.add(
        from(this.#reader(new StreamingResponse(head, body))).subscribe({
          next(value) {
            subscriber.next(value)
          },
          error(error: unknown) {
            call.fail(error)
          },
          complete() {
            call.complete()
          },
        }),
      )
      subscriber.add(() => {
        body.abandon(() => unread(call.request))
      })
    } catch (error) {
      call.fail(error)
    }
  }
}

function unread(request: HttpRequest): HttpError {
  return new HttpError(
    'CANCELLED',
    `The answer to ${describe(request)} lived as long as its reader, which has ended.`,
    {
      phase: 'body',
      request,
    },
  )
}

function nothing(): void {
  // Nothing to hold back: all bytes are here.
}
