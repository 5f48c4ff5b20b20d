/** All connections of an engine: one pool for each origin and each way to it, under one limit. */
import type { Socket } from 'node:net'
import {
  LinkedList,
  ROUTE,
  type ConnectionEvent,
  type HttpError,
  type HttpRequest,
  type PoolNumbers,
  type PoolStats,
  type Route,
} from '../../src/index.ts'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import { targetOf, type Target } from '../connector/target.ts'
import type { Preparing } from './attempt.ts'
import { Pool } from './pool.ts'
import type { ConnectionOwner, Pooled, PooledConnection } from './pooled.ts'
import type { PoolSettings } from './settings.ts'

/** Where connections come from. */
export interface Source {
  prepare(target: Target, listener: ConnectListener): Preparing
  /** True when a connection that is made now may carry many requests, so that one is enough for all who wait. */
  carriesMany?(target: Target): boolean
}

/** Makes a connection of an engine out of a socket. */
export type Adopt<X> = (
  id: number,
  target: Target,
  socket: Socket,
  facts: ConnectionFacts,
  owner: ConnectionOwner<X>,
) => PooledConnection<X>

/** Numbers connections: the last number that was given. */
export interface Counter {
  last: number
}

/** Keeps the pools, the limit on all of them, and who is running. */
export class Pools<X extends Pooled<X>> {
  readonly settings: PoolSettings
  readonly connector: Source
  readonly #adopt: Adopt<X>
  /** By route, which is `undefined` where the way is direct, and origin. */
  readonly #pools = new Map<Route | undefined, Map<string, Pool<X>>>()
  /** The exchanges that wait in no pool. */
  readonly #underWay = new LinkedList<X>()
  readonly #live = new Set<PooledConnection<X>>()
  /** Pools with requests that wait for a connection which the limit on all does not allow. */
  readonly #starved = new Set<Pool<X>>()
  readonly #listeners = new Set<(event: ConnectionEvent) => void>()
  readonly #closed = Promise.withResolvers<undefined>()
  /** All exchanges. */
  #running = 0
  /** Sockets that take requests or are connecting. */
  #open = 0
  readonly #ids: Counter
  #tickets = 0
  #closing = false

  /** `ids` numbers the connections, where those of others are numbered with them. */
  constructor(settings: PoolSettings, connector: Source, adopt: Adopt<X>, ids: Counter = { last: 0 }) {
    this.settings = settings
    this.connector = connector
    this.#adopt = adopt
    this.#ids = ids
  }

  /** True when no new request is taken. */
  get closing(): boolean {
    return this.#closing
  }

  get stats(): PoolStats {
    const origins: Record<string, PoolNumbers> = {}
    let sum = NOTHING
    for (const { target, numbers } of this.#all()) {
      const { origin } = target
      origins[origin] = plus(origins[origin] ?? NOTHING, numbers)
      sum = plus(sum, numbers)
    }
    return { ...sum, origins }
  }

  run(exchange: X): void {
    this.#running++
    this.#underWay.add(exchange)
    this.poolOf(exchange.request).admit(exchange)
  }

  ended(exchange: X): void {
    const { list } = exchange
    if (list === undefined) return
    list.delete(exchange)
    this.#running--
    // The connection is not settled yet when the end of its last exchange is told.
    if (this.#closing && this.#running === 0) queueMicrotask(() => this.#finish())
  }

  /** The pool of a request: that of its origin, and of the very route it is to take. */
  poolOf(request: HttpRequest): Pool<X> {
    const { origin } = request
    const route = request.read(ROUTE)
    let pools = this.#pools.get(route)
    if (pools === undefined) this.#pools.set(route, (pools = new Map<string, Pool<X>>()))
    let pool = pools.get(origin)
    if (pool === undefined) pools.set(origin, (pool = new Pool<X>(targetOf(origin, route), this)))
    return pool
  }

  watch(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when every exchange has ended and every socket is closed. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#running === 0) this.#finish()
    await this.#closed.promise
  }

  /** Ends every exchange with `reason` and closes every socket; resolves when they are closed. */
  async destroy(reason: HttpError): Promise<void> {
    this.#closing = true
    const waiting = [...this.#all()].flatMap(pool => pool.waiting)
    for (const exchange of [...this.#underWay, ...waiting]) exchange.fail(reason)
    this.#finish()
    await this.#closed.promise
  }

  // What the pools ask and tell.

  /** It waits no more. */
  underWay(exchange: X): void {
    this.#underWay.add(exchange)
  }

  nextTicket(): number {
    return ++this.#tickets
  }

  /** Makes a connection out of a socket. */
  adopt(pool: Pool<X>, socket: Socket, facts: ConnectionFacts): PooledConnection<X> {
    const connection = this.#adopt(++this.#ids.last, pool.target, socket, facts, pool)
    this.#live.add(connection)
    this.#tell({ type: 'opened', connection: connection.info })
    return connection
  }

  /** Whether a hungry pool may open one more connection. Makes room by closing one that another origin does not use. */
  mayOpen(pool: Pool<X>): boolean {
    const hungriest = this.#hungriest()
    if (hungriest === undefined || hungriest === pool || isOlder(pool, hungriest)) {
      if (this.#open < this.settings.connections) return true
      for (const other of this.#all()) if (other !== pool && other.evict()) return true
    }
    this.#starved.add(pool)
    return false
  }

  opening(): void {
    this.#open++
  }

  /** A socket takes no more requests, or did not come about: there is room for another. */
  left(): void {
    this.#open--
    if (this.#starved.size > 0) queueMicrotask(() => this.#feed())
  }

  /** Gives the place of an idle connection of this pool to one that needs it more. */
  offer(pool: Pool<X>): boolean {
    const hungriest = this.#hungriest()
    if (hungriest === undefined || hungriest === pool || isOlder(pool, hungriest)) return false
    return pool.evict()
  }

  closed(connection: PooledConnection<X>): void {
    this.#live.delete(connection)
    this.#tell({ type: 'closed', connection: connection.info })
    if (this.#closing) this.#checkClosed()
  }

  /** Forgets a pool that holds nothing. */
  checkEmpty(pool: Pool<X>): void {
    const { route, origin } = pool.target
    const pools = this.#pools.get(route)
    if (!pool.empty || pools?.get(origin) !== pool) return
    pools.delete(origin)
    // Nor is a route kept that nobody takes any more.
    if (pools.size === 0) this.#pools.delete(route)
  }

  /** The pool whose request has waited longest among those that wait for room. */
  #hungriest(): Pool<X> | undefined {
    if (this.#starved.size === 0) return undefined
    let hungriest: Pool<X> | undefined
    for (const pool of this.#starved) {
      if (!pool.hungry) this.#starved.delete(pool)
      else if (hungriest === undefined || isOlder(pool, hungriest)) hungriest = pool
    }
    return hungriest
  }

  *#all(): Generator<Pool<X>, undefined> {
    for (const pools of this.#pools.values()) yield* pools.values()
  }

  #feed(): void {
    while (this.#open < this.settings.connections) {
      const hungriest = this.#hungriest()
      if (hungriest === undefined) return
      this.#starved.delete(hungriest)
      hungriest.pump()
    }
  }

  #finish(): void {
    for (const pool of [...this.#all()]) pool.callOffSpares()
    for (const connection of [...this.#live]) connection.destroy()
    this.#checkClosed()
  }

  #checkClosed(): void {
    if (this.#running === 0 && this.#live.size === 0) this.#closed.resolve(undefined)
  }

  #tell(event: ConnectionEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** Whether somebody has waited longer for this pool than for the other. */
function isOlder<X extends Pooled<X>>(pool: Pool<X>, other: Pool<X>): boolean {
  return (pool.first?.ticket ?? Infinity) < (other.first?.ticket ?? Infinity)
}

const NOTHING: PoolNumbers = { open: 0, idle: 0, busy: 0, queued: 0 }

function plus(one: PoolNumbers, other: PoolNumbers): PoolNumbers {
  return {
    open: one.open + other.open,
    idle: one.idle + other.idle,
    busy: one.busy + other.busy,
    queued: one.queued + other.queued,
  }
}
