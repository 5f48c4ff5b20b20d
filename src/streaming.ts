/** Answers that are read while they arrive. */
import { NEVER, type Observable, type ObservableInput } from 'rxjs'
import { Answer } from './answer.ts'
import type { ResponseHead, Timings } from './events.ts'
import type { HttpHeaders } from './headers.ts'
import type { LiveBody } from './live-body.ts'
import { own } from './own.ts'
import type { HttpRequest } from './request.ts'
import type { WebSocketConnection } from './web-socket.ts'

/** Makes values out of a live answer. When what it returns ends, the exchange ends; its errors are the call's. */
export interface Reader<T> {
  (response: StreamingResponse): ObservableInput<T>
  /**
   * Completes the request before the first plugin sees it, as with the `accept` that fits. What the call says itself is there
   * already, and counts: use `request.headers.fill(…)`.
   */
  readonly prepare?: ((request: HttpRequest) => HttpRequest) | undefined
}

/**
 * An answer whose body is still coming. It lives as long as the reader it was given to.
 *
 * Reading waits for the peer, and not reading makes the peer wait: at most 256 KiB are kept for a reader that is busy.
 */
export class StreamingResponse extends Answer implements AsyncIterable<Uint8Array> {
  /** The WebSocket, when one was asked for and the server agreed; `read()` then waits for its end. */
  readonly socket: WebSocketConnection | undefined
  /**
   * Emits once when the client is closed, also when that was before: it waits for this reader. One that would go on for ever,
   * as with events, should then come to an end.
   */
  readonly closing: Observable<void>
  readonly #body: LiveBody
  #stream: ReadableStream<Uint8Array> | undefined

  constructor(head: ResponseHead, body: LiveBody, socket?: WebSocketConnection, closing: Observable<void> = NEVER) {
    super(head)
    this.#body = body
    this.socket = socket
    this.closing = closing
  }

  /** When things happened so far. */
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

function toStream(body: LiveBody): ReadableStream<Uint8Array> {
  // Without a prototype: the platform would read `type` and `size` from a polluted Object.prototype.
  return new ReadableStream<Uint8Array>(
    own({
      async pull(controller) {
        const bytes = await body.read()
        if (bytes === undefined) controller.close()
        else controller.enqueue(bytes)
      },
      cancel() {
        body.discard()
      },
    }),
    own({ highWaterMark: 0 }),
  )
}
