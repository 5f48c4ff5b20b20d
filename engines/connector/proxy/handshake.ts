/** What is spoken with a proxy before it lets a connection through, whatever that is. */
import type { ConnectFailure } from '../failure.ts'

/** Hears the outcome, once and later. */
export interface TunnelListener {
  /** What is written now arrives at the other end; `early` is what came from there before anything was written. */
  opened(early: Buffer): void
  failed(failure: ConnectFailure): void
}

/** A handshake with a proxy that is going on; called off by `stop()`, which leaves the socket to its owner. */
export interface Handshake {
  start(): void
  stop(): void
}
