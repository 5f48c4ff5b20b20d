/** What a session and the exchanges on it know of each other. */
import type { ConnectedEvent } from '../../src/index.ts'
import type { StreamExchange } from './stream.ts'

/** An exchange of an engine that can go over a session. */
export interface Rider {
  /** A session takes it: it makes a {@link StreamExchange} and hands that to {@link Carrier.open}. */
  ride(carrier: Carrier): void
}

/** A session, as the exchanges on it see it. */
export interface Carrier {
  /** True when another request was sent over it before the last one. */
  readonly reused: boolean
  /**
   * How many bytes the peer has sent, once it has answered somebody. If it sends no more and ends the connection, it had
   * done so before it saw what was sent after that.
   */
  readonly mark: number | undefined
  /** True when its connection has ended. */
  readonly gone: boolean
  /** What was wrong with it, if the peer did not simply end it. */
  readonly fault: Error | undefined
  /** Why the peer gave it up, if it said so (RFC 9113 §6.8). */
  readonly goawayCode: number | undefined
  /** How many bytes the head of an answer may have. */
  readonly maxHeaderSize: number
  /** Opens a stream for the exchange, in a moment. */
  open(exchange: StreamExchange): void
  /** The exchange is through, or was left. */
  done(exchange: StreamExchange): void
  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent
  /** True when the peer has said that it has not looked at the stream, and never will. */
  isUnprocessed(stream: number): boolean
  /** From now on the origin is spoken to over HTTP/1.1. Missing where there is no HTTP/1.1. */
  downgrade?(): void
}
