/** One send, seen from the core: the engine's events are timed and passed on, and leaving it aborts the exchange. */
import type { Subscriber, Unsubscribable } from 'rxjs'
import { DISCARD, Drain } from './discard.ts'
import type { Engine, EventObserver, Exchange } from './engine.ts'
import type { HttpError } from './errors.ts'
import type { ConnectionInfo, HeadEvent, HttpEvent, ResponseHead, Timings } from './events.ts'
import { REPORT, type Report } from './monitor.ts'
import type { HttpRequest } from './request.ts'

/** Observes an engine for a subscriber. One object, because every request makes one. */
export class Sending implements EventObserver, Unsubscribable {
  readonly #request: HttpRequest
  readonly #subscriber: Subscriber<HttpEvent>
  readonly #report: ((report: Report) => void) | undefined
  readonly #start: number = performance.now()
  readonly #marks: { -readonly [K in keyof Timings]: Timings[K] }
  #connection: ConnectionInfo | undefined
  #exchange: Exchange | undefined
  #drain: Drain | undefined
  #settled = false

  constructor(request: HttpRequest, subscriber: Subscriber<HttpEvent>) {
    this.#request = request
    this.#subscriber = subscriber
    this.#report = request.read(REPORT)
    this.#marks = {
      startedAt: performance.timeOrigin + this.#start,
      connected: undefined,
      sent: undefined,
      firstByte: undefined,
    }
  }

  /** Begins; the engine may be through before this returns. */
  begin(engine: Engine): void {
    const request = this.#request
    this.#report?.({ type: 'attempt', request, attempt: request.attempt })
    this.#exchange = engine.exchange(request, this)
  }

  next(event: HttpEvent): void {
    if (this.#drain !== undefined) {
      if (event.type === 'chunk') this.#drain.take(event.bytes)
      return
    }
    switch (event.type) {
      case 'connection':
        this.#connection = event.connection
        this.#marks.connected = performance.now() - this.#start
        this.#report?.({ type: 'connection', request: this.#request, connection: event.connection })
        this.#subscriber.next(event)
        break
      case 'sent':
        this.#marks.sent = performance.now() - this.#start
        this.#subscriber.next(event)
        break
      case 'head':
        this.#marks.firstByte = performance.now() - this.#start
        this.#answer(event)
        break
      default:
        this.#subscriber.next(event)
    }
  }

  error(error: HttpError): void {
    this.#settled = true
    if (this.#drain === undefined) this.#subscriber.error(error)
    else this.#drain.end()
  }

  complete(): void {
    this.#settled = true
    if (this.#drain === undefined) this.#subscriber.complete()
    else this.#drain.end()
  }

  closed(): boolean {
    return this.#subscriber.closed
  }

  unsubscribe(): void {
    this.#drain?.stop()
    if (!this.#settled) this.#exchange?.abort()
  }

  #answer(event: HeadEvent): void {
    const head: ResponseHead = { ...event.head, connection: this.#connection, timings: this.#marks }
    const unread = this.#isUnread(head)
    if (this.#subscriber.closed) return
    if (unread) this.#drain = new Drain(head, this.#subscriber)
    else this.#subscriber.next({ type: 'head', head, flow: event.flow })
  }

  /** Asks those who may leave the answer; what they throw is the call's error, not the engine's. */
  #isUnread(head: ResponseHead): boolean {
    try {
      return this.#request.read(DISCARD)?.(head) === true
    } catch (error) {
      this.#subscriber.error(error)
      return false
    }
  }
}
