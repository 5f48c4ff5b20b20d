/** Reading answers while they arrive: the live response and the Observable that a reader makes of it. */
import { from, type ObservableInput, type Observer, type Subscriber } from 'rxjs'
import type { Call } from './call.ts'
import type { ConnectionInfo, HttpEvent, ResponseHead, Timings } from './events.ts'
import { withoutAnswer } from './gather.ts'
import type { HttpHeaders } from './headers.ts'
import { LiveBody } from './live-body.ts'
import type { HttpRequest } from './request.ts'

/** Makes values out of a live answer. When what it returns ends, the exchange ends; its errors are the call's. */
export type Reader<T> = (response: StreamingResponse) => ObservableInput<T>

/**
 * An answer whose body is still coming. It lives as long as the reader it was given to.
 *
 * Reading waits for the peer, and not reading makes the peer wait: at most 256 KiB are kept for a reader that is busy.
 */
export class StreamingResponse implements AsyncIterable<Uint8Array> {
  readonly head: ResponseHead
  readonly #body: LiveBody
  #stream: ReadableStream<Uint8Array> | undefined

  constructor(head: ResponseHead, body: LiveBody) {
    this.head = head
    this.#body = body
  }

  get status(): number {
    return this.head.status
  }
  get statusText(): string {
    return this.head.statusText
  }
  /** True for 200–299. */
  get ok(): boolean {
    return this.head.status >= 200 && this.head.status <= 299
  }
  get headers(): HttpHeaders {
    return this.head.headers
  }
  get url(): string {
    return this.head.url
  }
  get httpVersion(): ResponseHead['httpVersion'] {
    return this.head.httpVersion
  }
  get request(): HttpRequest {
    return this.head.request
  }
  get connection(): ConnectionInfo | undefined {
    return this.head.connection
  }
  get timings(): Timings | undefined {
    return this.head.timings
  }
  /** Header fields that came after the body; empty until its end was read. */
  get trailers(): HttpHeaders {
    return this.#body.trailers
  }

  /** The next bytes of the body, `undefined` at its end. Rejects when the body breaks off. */
  read(): Promise<Uint8Array | undefined> {
    return this.#body.read()
  }

  /** The body as a web stream, made when it is first asked for. Do not mix it with `read()`. */
  get body(): ReadableStream<Uint8Array> {
    this.#stream ??= toStream(this.#body)
    return this.#stream
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) yield bytes
    } finally {
      this.#body.discard()
    }
  }
}

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
        body.finish({})
        this.#begin(event.response.head, body)
        break
      }
      default:
    }
  }

  error(error: unknown): void {
    if (this.#body) this.#body.finish({ error })
    else this.#call.fail(error)
  }

  complete(): void {
    if (this.#body) this.#body.finish({})
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
    } catch (error) {
      call.fail(error)
    }
  }
}

function toStream(body: LiveBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const bytes = await body.read()
        if (bytes === undefined) controller.close()
        else controller.enqueue(bytes)
      },
      cancel() {
        body.discard()
      },
    },
    { highWaterMark: 0 },
  )
}

function nothing(): void {
  // Nothing to hold back: all bytes are here.
}
