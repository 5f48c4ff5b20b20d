/** The connections to one origin and the requests that wait for one. */
import type { Socket } from 'node:net'
import { LinkedList, type PoolNumbers } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { ConnectFailure, ConnectPhase } from '../connector/failure.ts'
import type { Target } from '../connector/target.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import { OpenConnections } from './open-connections.ts'
import type { ConnectionOwner, Pooled, PooledConnection } from './pooled.ts'
import type { Pools } from './pools.ts'

/** How long a connection nobody waits for any more may take, where requests have no limit, in milliseconds. */
const SPARE = 10_000

/** Gives connections to requests in the order in which they came, and makes new ones up to the limits. */
export class Pool<X extends Pooled<X>> implements ConnectionOwner<X>, AttemptOwner<X> {
  readonly target: Target
  readonly #pools: Pools<X>
  readonly #waiting = new LinkedList<X>()
  readonly #attempts = new Set<Attempt<X>>()
  readonly #open = new OpenConnections<X>()
  /** The connection that is being made for all who wait, while there is no other. */
  #probe: Attempt<X> | undefined
  /** Connections whose request is through, and which may be about to be closed. */
  #settling = 0
  #someWithoutClock = false

  constructor(target: Target, pools: Pools<X>) {
    this.target = target
    this.#pools = pools
  }

  get numbers(): PoolNumbers {
    const { idle, size: open } = this.#open
    return { open, idle, busy: open - idle, queued: this.#waiting.size }
  }
  /** How many sockets it has, those that are still connecting included. */
  get size(): number {
    return this.#open.size + this.#attempts.size
  }
  /** True when nothing would be lost with it. */
  get empty(): boolean {
    return this.#open.size === 0 && this.#attempts.size === 0 && this.#waiting.size === 0
  }
  /** True when it has use for one more connection, and may have it as far as its own limit goes. */
  get hungry(): boolean {
    const coming = this.#attempts.size + this.#settling
    if (coming > 0 && this.#carriesMany) return false
    return coming < this.#waiting.size && this.size < this.#pools.settings.connectionsPerOrigin
  }
  /** True when one connection that is being made is enough for all who wait. */
  get #carriesMany(): boolean {
    return this.#pools.connector.carriesMany?.(this.target) === true
  }
  /** The requests that wait, the first one first. */
  get waiting(): readonly X[] {
    return [...this.#waiting]
  }
  /** The request that has waited longest. */
  get first(): X | undefined {
    return this.#waiting.first
  }

  /** Sends a request over a connection that is free, or lets it wait for one. */
  admit(exchange: X): void {
    const connection = this.#waiting.size === 0 ? this.#open.take() : undefined
    if (connection !== undefined) {
      connection.send(exchange)
      return
    }
    this.#waiting.add(exchange)
    // A connection that was just used is usually free a moment later, which is not worth a clock.
    if (this.#settling >= this.#waiting.size) {
      this.#someWithoutClock = true
      return
    }
    this.#wait(exchange)
    this.pump()
  }

  /** Sends a request again: that goes first, and over none of those that waited beside the one that was closed under it. */
  readmit(exchange: X, closed: boolean = true): void {
    if (closed) this.#open.closeIdle()
    this.#waiting.addFirst(exchange)
    this.#wait(exchange)
    this.pump()
  }

  /** Forgets a request that waits no longer, and the connection that was being made for it alone. */
  leave(exchange: X): void {
    if (this.#waiting.has(exchange)) this.#pools.underWay(exchange)
    const { attempt } = exchange
    if (attempt !== undefined) {
      attempt.release()
      if (!this.#passOn(attempt)) this.#callOff(attempt)
    }
    this.#pools.checkEmpty(this)
  }

  /** Serves who waits as far as the limits allow. */
  pump(): void {
    for (let first = this.first; first !== undefined; first = this.first) {
      const connection = first.wantsNew ? undefined : this.#open.take()
      if (connection !== undefined) this.#serve(connection, first)
      else if (this.hungry && this.#pools.mayOpen(this)) this.#attempt()
      // The one that is idle makes room for the one it wants.
      else if (!first.wantsNew || first.attempt !== undefined || !this.evict()) break
    }
    if (this.#pools.settings.pipelining > 1) this.#pipeline()
  }

  /** Closes the connection that has been idle longest, for the good of another origin. */
  evict(): boolean {
    return this.#open.closeOldest()
  }

  /** Stops making connections that nobody waits for. */
  callOffSpares(): void {
    for (const attempt of this.#attempts) if (attempt.waiter === undefined) this.#callOff(attempt)
  }

  phase(attempt: Attempt<X>, phase: ConnectPhase): void {
    if (attempt !== this.#probe) return
    for (const exchange of this.#waiting) if (exchange !== attempt.waiter) exchange.connecting(phase)
  }

  connected(attempt: Attempt<X>, socket: Socket, facts: ConnectionFacts): void {
    const joined = this.#forget(attempt)
    const connection = this.#pools.adopt(this, socket, facts)
    this.#open.add(connection)
    const { waiter } = attempt
    attempt.release()
    const { first } = this
    if (joined) for (const exchange of this.#waiting) if (exchange !== first) exchange.queue()
    if (first === undefined) {
      this.#open.rest(connection)
      this.#pools.offer(this)
      return
    }
    // Who has waited longest goes first. Whose attempt this was gets that of the other.
    if (waiter !== undefined && waiter !== first && first.attempt !== undefined) {
      const other = first.attempt
      other.release()
      other.give(waiter)
    } else if (waiter !== undefined && waiter !== first) waiter.queue()
    this.#serve(connection, first)
    if (this.#waiting.size > 0) this.pump()
  }

  failed(attempt: Attempt<X>, failure: ConnectFailure): void {
    const { waiter } = attempt
    const all = this.#forget(attempt) ? [...this.#waiting] : waiter === undefined ? [] : [waiter]
    this.#pools.left()
    attempt.release()
    // First all of them: who hears of it may send again.
    for (const exchange of all) this.#pools.underWay(exchange)
    for (const exchange of all) exchange.notConnected(failure)
    this.pump()
    this.#pools.checkEmpty(this)
  }

  settling(): void {
    this.#settling++
  }

  settled(connection: PooledConnection<X>): void {
    this.#settling--
    if (connection.retiring) connection.retire()
    else if (connection.running === 0) {
      this.#open.rest(connection)
      this.#pools.offer(this)
    }
    this.pump()
    if (!this.#someWithoutClock || this.#settling > 0) return
    this.#someWithoutClock = false
    for (const exchange of this.#waiting) this.#wait(exchange)
  }

  retired(connection: PooledConnection<X>): void {
    this.#open.delete(connection)
    this.#pools.left()
    this.pump()
  }

  closed(connection: PooledConnection<X>): void {
    this.#pools.closed(connection)
    this.#pools.checkEmpty(this)
  }

  /** Starts the clocks of a request; a connection that is being made for nobody is now made for it. */
  #wait(exchange: X): void {
    exchange.wait()
    if (exchange.attempt !== undefined) return
    for (const attempt of this.#attempts) {
      if (attempt.waiter !== undefined) continue
      attempt.give(exchange)
      return
    }
    if (this.#probe !== undefined) exchange.connecting(this.#probe.phaseNow)
  }

  #attempt(): void {
    for (const exchange of this.#waiting) {
      if (exchange.attempt !== undefined) continue
      const attempt = new Attempt<X>(this, listener => this.#pools.connector.prepare(this.target, listener))
      this.#attempts.add(attempt)
      if (this.size === 1 && this.#carriesMany) this.#probe = attempt
      this.#pools.opening()
      attempt.start(exchange)
      return
    }
  }

  #serve(connection: PooledConnection<X>, exchange: X): void {
    this.#pools.underWay(exchange)
    const { attempt } = exchange
    if (attempt !== undefined) {
      attempt.release()
      if (!this.#passOn(attempt)) {
        attempt.spare(this.#pools.settings.connectTimeout || SPARE, () => {
          this.#callOff(attempt)
        })
      }
    }
    connection.send(exchange)
  }

  #pipeline(): void {
    for (let first = this.first; first?.pipelinable && !first.wantsNew; first = this.first) {
      const connection = this.#open.leastBusy()
      if (connection === undefined) break
      this.#serve(connection, first)
    }
  }

  /** Gives an attempt to the first request that has none. */
  #passOn(attempt: Attempt<X>): boolean {
    for (const exchange of this.#waiting) {
      if (exchange.attempt !== undefined) continue
      attempt.give(exchange)
      return true
    }
    return false
  }

  /** Takes an attempt off the list; true when all who wait do so for it. */
  #forget(attempt: Attempt<X>): boolean {
    this.#attempts.delete(attempt)
    if (attempt !== this.#probe) return false
    this.#probe = undefined
    return true
  }

  #callOff(attempt: Attempt<X>): void {
    if (!this.#attempts.has(attempt)) return
    this.#forget(attempt)
    attempt.destroy()
    this.#pools.left()
  }
}
