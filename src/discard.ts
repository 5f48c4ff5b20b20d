/** Answers whose body nobody will read: how they are ended without reading on for ever and without wasting a connection. */
import { clock } from './clock.ts'
import type { Flow, ResponseHead } from './events.ts'
import type { HttpRequest } from './request.ts'
import type { Sink } from './source.ts'
import { Token } from './token.ts'

/**
 * By this note a plugin that may leave an answer says at its head that nobody will read the body: a redirect that is
 * followed, a 503 that is retried, a challenge that is answered. Such a body is not decoded and not gathered, be it
 * endless or a bomb: the edge swallows it, gives up the connection when it is long or slow, and passes on the head,
 * marked as `unread`, and nothing else.
 */
export const DISCARD: Token<(head: ResponseHead) => boolean> = new Token('discard')

/** Notes that answers `unread` says yes to have a body nobody will read, beside those that were named further out. */
export function discard(request: HttpRequest, unread: (head: ResponseHead) => boolean): HttpRequest {
  const outer = request.read(DISCARD)
  return request.note(DISCARD, outer === undefined ? unread : head => unread(head) || outer(head))
}

/** What is read of an unread body, so that its connection can serve again: what fits in one read, and no waiting. */
const MOST_BYTES = 64 * 1024
const MOST_MS = 100

const NO_FLOW: Flow = { pause() {}, resume() {} }

/** Holds back a head while its unread body is swallowed, until that ends or has gone on for too long. */
export class Drain {
  readonly #head: ResponseHead
  readonly #sink: Sink
  readonly #stopWaiting: () => void
  #swallowed = 0

  constructor(head: ResponseHead, sink: Sink) {
    this.#head = head
    this.#sink = sink
    this.#stopWaiting = clock.schedule(() => {
      this.end()
    }, MOST_MS)
  }

  /** Swallows bytes; when they are too many, the exchange ends and its connection is given up. */
  take(bytes: Uint8Array): void {
    this.#swallowed += bytes.length
    if (this.#swallowed > MOST_BYTES) this.end()
  }

  /** Passes the head on as an answer without a body. How the body ended does not matter. */
  end(): void {
    this.#sink.next({ type: 'head', head: this.#head, flow: NO_FLOW, unread: true })
    this.#sink.complete()
  }

  stop(): void {
    this.#stopWaiting()
  }
}
