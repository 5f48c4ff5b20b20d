/** What a reader makes of a live answer, and how the call ends with it. */
import { AsyncSubject, from, type Subscriber } from 'rxjs'
import { Call, type Surroundings } from './call.ts'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead } from './events.ts'
import { withoutAnswer } from './gather.ts'
import { LiveBody } from './live-body.ts'
import type { HttpRequest } from './request.ts'
import { StreamingResponse, type Reader } from './streaming.ts'
import type { WebSocketConnection } from './web-socket.ts'

/** Feeds the events of a call to a reader, and what the reader makes of them to the call's subscriber. */
export class Reading<T> extends Call<T> {
  readonly #reader: Reader<T>
  readonly #closing = new AsyncSubject<void>()
  #body: LiveBody | undefined

  constructor(request: HttpRequest, subscriber: Subscriber<T>, surroundings: Surroundings, reader: Reader<T>) {
    super(request, subscriber, surroundings)
    this.#reader = reader
  }

  override next(event: HttpEvent): void {
    if (this.closed) return
    this.report(event)
    switch (event.type) {
      case 'head':
        this.#begin(event.head, new LiveBody(event.flow), event.socket)
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

  override error(error: unknown): void {
    if (this.#body) this.#body.fail(error)
    else this.fail(error)
  }

  override complete(): void {
    if (this.#body) this.#body.finish()
    else this.fail(withoutAnswer(this.request))
  }

  override closing(): void {
    this.#closing.next()
    this.#closing.complete()
  }

  #begin(head: ResponseHead, body: LiveBody, socket?: WebSocketConnection): void {
    this.#body = body
    const { subscriber } = this
    const response = new StreamingResponse(head, body, socket, this.#closing.asObservable())
    try {
      subscriber.add(
        from(this.#reader(response)).subscribe({
          next(value) {
            subscriber.next(value)
          },
          error: (error: unknown) => {
            this.fail(error)
          },
          complete: () => {
            this.end()
          },
        }),
      )
      subscriber.add(() => {
        body.abandon(() => unread(this.request))
      })
    } catch (error) {
      this.fail(error)
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
