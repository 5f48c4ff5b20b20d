/** One send, seen from the core: the engine's events are timed and passed on, and leaving it aborts the exchange. */
import type { Unsubscribable } from 'rxjs'
import { DISCARD, Drain } from './discard.ts'
import type { Engine, EventObserver, Exchange } from './engine.ts'
import type { HttpError } from './errors.ts'
import type { ConnectionInfo, HeadEvent, HttpEvent, ResponseHead, Timings } from './events.ts'
import { HEAD_TAP } from './kit/tap-head.ts'
import { REPORT, type Report } from './monitor.ts'
import type { HttpRequest } from './request.ts'
import type { Sink } from './source.ts'

const TIME_ORIGIN = performance.timeOrigin

/** Observes an engine for a sink. One object, because every request makes one. */
export class Sending implements EventObserver, Unsubscribable {
  readonly #request: HttpRequest
  readonly #sink: Sink
  readonly #report: ((report: Report) => void) | undefined
  readonly #start: number = performance.now()
  readonly #marks: { -readonly [K in keyof Timings]: Timings[K] }
  #connection: ConnectionInfo | undefined
  #exchange: Exchange | undefined
  #drain: Drain | undefined
  #settled = false
  #left = false

  constructor(request: HttpRequest, sink: Sink) {
    this.#request = request
    this.#sink = sink
    this.#report = request.read(REPORT)
    this.#marks = {
      startedAt: TIME_ORIGIN + this.#start,
      queued: undefined,
      connected: undefined,
      sent: undefined,
      firstByte: undefined,
      done: undefined,
    }
  }

  /** Begins; the engine may be through before this returns. */
  begin(engine: Engine): void {
    const request = this.#request
    this.#report?.({ type: 'attempt', request, attempt: request.attempt })
    this.#exchange = engine.exchange(request, this)
  }

  next(event: HttpEvent): void {
    if (this.#settled || this.#left) return
    if (this.#drain !== undefined) {
      if (event.type === 'chunk') this.#drain.take(event.bytes)
      return
    }
    switch (event.type) {
      case 'connection':
        this.#connection = event.connection
        this.#marks.queued = event.queued
        this.#marks.connected = performance.now() - this.#start
        this.#report?.({ type: 'connection', request: this.#request, connection: event.connection })
        this.#sink.next(event)
        break
      case 'sent':
        this.#marks.sent = performance.now() - this.#start
        this.#sink.next(event)
        break
      case 'head':
        this.#marks.firstByte = performance.now() - this.#start
        this.#answer(event)
        break
      default:
        this.#sink.next(event)
    }
  }

  error(error: HttpError): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#left) return
    if (this.#drain === undefined) this.#sink.error(error)
    else this.#drain.end()
  }

  complete(): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#left) return
    this.#marks.done = performance.now() - this.#start
    if (this.#drain === undefined) this.#sink.complete()
    else this.#drain.end()
  }

  closed(): boolean {
    return this.#sink.closed
  }

  unsubscribe(): void {
    this.#left = true
    this.#drain?.stop()
    if (!this.#settled) this.#exchange?.abort()
  }

  #answer(event: HeadEvent): void {
    const head: ResponseHead = { ...event.head, connection: this.#connection, timings: this.#marks }
    let unread: boolean
    try {
      this.#request.read(HEAD_TAP)?.(head)
      unread = event.socket === undefined && this.#request.read(DISCARD)?.(head) === true
    } catch (error) {
      // What they throw who may leave the answer is the call's error, not the engine's.
      this.#sink.error(error)
      return
    }
    // They may have left the whole call.
    if (this.#left) return
    if (unread) this.#drain = new Drain(head, this.#sink)
    else this.#sink.next({ type: 'head', head, flow: event.flow, socket: event.socket })
  }
}
