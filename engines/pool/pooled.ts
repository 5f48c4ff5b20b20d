/** What the pool keeps in order: requests that want a connection, and connections that take requests. */
import type { ConnectionInfo, Exchange, HttpError, HttpRequest, Linked } from '../../src/index.ts'
import type { ConnectFailure, ConnectPhase } from '../connector/failure.ts'
import type { Attempt } from './attempt.ts'

/** A request on its way, as the pool sees it. `Self` is the exchange of the engine. */
export interface Pooled<Self extends Pooled<Self>> extends Linked<Self> {
  readonly request: HttpRequest
  /** Tells who came first. */
  readonly ticket: number
  /** The connection that is being made for it. Kept by the pool. */
  attempt: Attempt<Self> | undefined
  /** True when it may be sent behind another request that is not answered yet. */
  readonly pipelinable: boolean
  /** True when its connection was closed under it, so that only a new one will do. */
  readonly wantsNew: boolean
  /** It waits for a connection, and not for ever. */
  wait(): void
  /** No connection is being made for it any more: it waits for one of the others. */
  queue(): void
  /** The connection that is being made for it has come this far. */
  connecting(phase: ConnectPhase): void
  /** The connection that was being made for it did not come about. */
  notConnected(failure: ConnectFailure): void
  /** Ends it with this error. */
  fail(error: HttpError): void
}

/** The same, as an engine hands it out. */
export interface PooledExchange<Self extends Pooled<Self>> extends Exchange, Pooled<Self> {}

/** A connection, as the pool sees it. It tells its {@link ConnectionOwner} what becomes of it. */
export interface PooledConnection<X> {
  readonly info: ConnectionInfo
  /** How many requests are on it. */
  readonly running: number
  /** True when one more request may be sent before the others are answered. */
  readonly pipelinable: boolean
  /** On a connection that carries many requests side by side: true while it has room for one more. */
  readonly roomy?: boolean
  /** True when it will take no more requests. */
  readonly retiring: boolean
  /** Sends a request. What becomes of it is heard by the exchange, which may happen before this returns. */
  send(exchange: X): void
  /** Takes no more requests; those that run on it may end. */
  retire(): void
  /** Closes it now. */
  destroy(): void
}

/** Hears when a connection can take the next request, and when it is gone. */
export interface ConnectionOwner<X> {
  /** A request on it is through; `settled` follows. */
  settling(): void
  /** It can be used again, unless it is `retiring`. */
  settled(connection: PooledConnection<X>): void
  /** It takes no more requests. Its socket may still be open. */
  retired(connection: PooledConnection<X>): void
  /** Its socket is closed. */
  closed(connection: PooledConnection<X>): void
}
