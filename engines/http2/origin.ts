/** What a stream's exchange asks of the exchange of the engine: all that is beyond one session. */
import type { ConnectedEvent } from '../../src/index.ts'

/** Why an exchange is to be sent again. */
export type Again = 'unprocessed' | 'broken' | 'downgraded' | 'unable'

/** Where an exchange came from: the engine's own, which may be sent to another session. */
export interface Origin {
  /**
   * It is to be sent again: as if for the first time, over none of those that waited beside the one that broke, or over
   * HTTP/1.1; because of a server that knows no WebSockets over HTTP/2 (`unable`), not over one of its sessions.
   */
  again(why: Again): void
  /** Adds to the news of a connection how long it was waited for. */
  timed(event: ConnectedEvent): ConnectedEvent
  /** It is over. */
  over(): void
}
