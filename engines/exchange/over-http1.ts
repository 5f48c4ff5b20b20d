/** One request over a connection of HTTP/1.1, whoever drives that: where it stands, and what the refusal of a proxy makes of it. */
import type { ConnectedEvent, EventObserver, HttpError, HttpRequest, Route } from '../../src/index.ts'
import type { ProxyHead } from '../connector/proxy/head.ts'
import type { Refusal, Refused } from '../connector/proxy/refusal.ts'
import type { Pools } from '../pool/pools.ts'
import { Queued } from '../pool/queued.ts'
import type { PoolSettings } from '../pool/settings.ts'
import { Forwarding } from './forwarding.ts'
import { errorOf, type Fault, type Progress } from './progress.ts'

/** Where an exchange stands: in a queue, given to a connection, on the wire, being answered, through. */
export type Stage = 'waiting' | 'handed' | 'written' | 'answered' | 'over'

/** A connection, as the exchange on it sees it. */
export interface Lane {
  /** True when another request was sent over it before the one that runs now. */
  readonly reused: boolean
  /** True when the peer has ended its side. */
  readonly ended: boolean
  /** What was wrong with it, if the peer did not simply end it. */
  readonly fault: Error | undefined
  /** The route to the proxy that it leads to, where that is asked in place of the server. */
  readonly forwarded: Route | undefined
  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent
  /** A request is through. */
  done(): void
  /** Takes no more requests; those that run on it may end. */
  retire(): void
  /** Closes it now, if it is ours to close. */
  destroy(): void
}

/** The body of a request on its way. */
interface Leaving {
  /** Nobody wants it any more. */
  stop(): void
}

/** `L` is its connection, `S` what sends its body. Small answers come by the thousand: all it knows is in this one object. */
export abstract class Http1Exchange<
  Self extends Http1Exchange<Self, L, S>,
  L extends Lane,
  S extends Leaving,
> extends Queued<Self> {
  protected readonly observer: EventObserver
  protected readonly pools: Pools<Self>
  protected stage: Stage = 'waiting'
  protected connection: L | undefined
  protected sending: S | undefined
  protected paused = false
  protected reused = false
  protected allSent = false
  protected started = false
  protected informational = 0
  /** Where a proxy is asked in place of the server. */
  protected forwarding: Forwarding | undefined
  /** The proxy said no, and goes on talking. */
  protected refusal: Refusal | undefined

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<Self>, settings: PoolSettings) {
    super(request, pools.nextTicket(), settings)
    this.observer = observer
    this.pools = pools
  }

  abstract abort(): void
  /** Bytes of the body of the answer that were told. */
  protected abstract readonly received: number
  /** Bytes it is to have, if that was announced. */
  protected abstract readonly expected: number | undefined
  /** Leaves its connection, of which nothing can be used any more if it has begun to write. */
  protected abstract drop(): L | undefined

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.stage === 'over') return
    this.abort()
    this.observer.error(error)
  }

  isOn(connection: L): boolean {
    return this.connection === connection
  }

  /** Gives the connection back. It is asked to settle even if it is closed, so that the pool counts right. */
  protected release(): L | undefined {
    const { connection } = this
    this.connection = undefined
    connection?.done()
    return connection
  }

  protected end(): void {
    this.stage = 'over'
    this.waited()
    this.sending?.stop()
    this.refusal?.stop()
    this.pools.ended(this as unknown as Self)
  }

  protected settle(error: HttpError): void {
    this.end()
    this.observer.error(error)
  }

  protected giveUp(fault: Fault, cause?: unknown): void {
    this.fail(errorOf(fault, this.progress(this.connection), cause))
  }

  /** The proxy at the end of this route is asked in place of the server. */
  protected forward(route: Route): void {
    this.forwarding ??= new Forwarding(this.request, route)
  }

  /** The proxy says no: what it has to say is read, and then decided on. */
  protected refuse(head: ProxyHead, forwarding: Forwarding): void {
    this.refusal = forwarding.read(head, refused => {
      void this.#refused(refused, forwarding)
    })
  }

  /** Waits for another connection; `closed` when its last one was closed under it, as those beside it may have been. */
  protected requeue(closed: boolean): void {
    this.sending?.stop()
    this.sending = this.refusal = undefined
    this.stage = 'waiting'
    this.allSent = this.reused = this.started = false
    this.informational = 0
    this.pools.poolOf(this.request).readmit(this as unknown as Self, closed)
  }

  protected progress(connection: L | undefined): Progress {
    return {
      request: this.request,
      written: this.stage === 'written' || this.stage === 'answered',
      sent: this.allSent,
      started: this.started,
      answered: this.stage === 'answered',
      received: this.received,
      expected: this.expected,
      reused: this.reused,
      ended: connection?.ended ?? false,
    }
  }

  /** The proxy has said all that is worth hearing. */
  async #refused(refused: Refused, forwarding: Forwarding): Promise<void> {
    if (this.stage === 'over') return
    // Of a connection on which more is to come nothing can be used any more.
    if (this.connection !== undefined) this.drop()
    this.sending?.stop()
    this.stage = 'waiting'
    const error = await forwarding.decide(refused)
    if ((this.stage as Stage) === 'over') return
    if (error === undefined) this.requeue(false)
    else this.settle(error)
  }
}
