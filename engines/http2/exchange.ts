/** An exchange of an engine that speaks HTTP/2 and nothing else. */
import type { EventObserver, HttpError, HttpRequest } from '../../src/index.ts'
import { notConnected, type ConnectFailure, type ConnectPhase } from '../connector/failure.ts'
import type { Attempt } from '../pool/attempt.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { tookTooLong, Waiting } from '../pool/waiting.ts'
import type { Carrier, Rider } from './carrier.ts'
import { StreamExchange, type Origin } from './stream.ts'

/** Waits for a session, and lets a {@link StreamExchange} do the rest. */
export class Http2Exchange implements PooledExchange<Http2Exchange>, Rider, Origin {
  readonly request: HttpRequest
  attempt: Attempt<Http2Exchange> | undefined
  readonly ticket: number
  readonly pipelinable = false
  readonly wantsNew = false
  readonly #observer: EventObserver
  readonly #pools: Pools<Http2Exchange>
  readonly #stream: StreamExchange
  #waiting: Waiting | undefined
  #isOver = false

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<Http2Exchange>) {
    this.request = request
    this.ticket = pools.nextTicket()
    this.#observer = observer
    this.#pools = pools
    this.#stream = new StreamExchange(request, observer, this)
  }

  abort(): void {
    if (this.#isOver) return
    this.#stream.abort()
    this.#pools.poolOf(this.request.origin).leave(this)
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  fail(error: HttpError): void {
    if (this.#isOver) return
    this.abort()
    this.#observer.error(error)
  }

  // What the pool does.

  wait(): void {
    this.#clock()
  }

  queue(): void {
    this.#waiting?.queue()
  }

  connecting(phase: ConnectPhase): void {
    this.#clock().connect(phase)
  }

  notConnected(failure: ConnectFailure): void {
    this.fail(notConnected(this.request, failure))
  }

  ride(carrier: Carrier): void {
    this.#waiting?.stop()
    this.#waiting = undefined
    this.#stream.ride(carrier)
  }

  // What becomes of it on the session.

  again(why: 'unprocessed' | 'broken'): void {
    this.#pools.poolOf(this.request.origin).readmit(this, why === 'broken')
  }

  over(): void {
    this.#isOver = true
    this.#waiting?.stop()
    this.#pools.ended(this)
  }

  #clock(): Waiting {
    this.#waiting ??= new Waiting(this.request, this.#pools.settings, overdue => {
      this.fail(tookTooLong(this.request, overdue))
    })
    return this.#waiting
  }
}
