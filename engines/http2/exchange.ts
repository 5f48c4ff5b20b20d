/** An exchange of an engine that speaks HTTP/2 and nothing else. */
import type { EventObserver, HttpError, HttpRequest } from '../../src/index.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { Queued } from '../pool/queued.ts'
import type { Carrier, Rider } from './carrier.ts'
import { noWebSockets } from './faults.ts'
import type { Again, Origin } from './origin.ts'
import { StreamExchange } from './stream.ts'

/** Waits for a session, and lets a {@link StreamExchange} do the rest. */
export class Http2Exchange extends Queued<Http2Exchange> implements PooledExchange<Http2Exchange>, Rider, Origin {
  readonly pipelinable = false
  readonly #observer: EventObserver
  readonly #pools: Pools<Http2Exchange>
  readonly #stream: StreamExchange
  #isOver = false

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<Http2Exchange>) {
    super(request, pools.nextTicket(), pools.settings)
    this.#observer = observer
    this.#pools = pools
    this.#stream = new StreamExchange(request, observer, this)
  }

  abort(): void {
    if (this.#isOver) return
    this.#stream.abort()
    this.#pools.poolOf(this.request).leave(this)
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

  ride(carrier: Carrier): void {
    this.waited()
    this.#stream.ride(carrier)
  }

  // What becomes of it on the session.

  again(why: Again): void {
    if (why === 'unable') {
      this.fail(noWebSockets(this.request))
      return
    }
    this.#pools.poolOf(this.request).readmit(this, why === 'broken')
  }

  over(): void {
    this.#isOver = true
    this.waited()
    this.#pools.ended(this)
  }
}
