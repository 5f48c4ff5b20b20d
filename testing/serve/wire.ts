/** What an exchange may do to its connection. */
import type { Inlet } from './inlet.ts'
import type { Outlet } from './outlet.ts'

/** Reading, writing and ending of one connection. */
export interface Wire {
  readonly inlet: Inlet
  readonly outlet: Outlet
  /** Is aborted when the client is no longer there. */
  readonly gone: AbortSignal
  /** Sends a RST. */
  reset(): void
  /** Sends a FIN once everything written is out, and goes on reading. */
  fin(): void
}
