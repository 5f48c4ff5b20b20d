/** What all connections of a server have in common, whatever they speak. */
import type { Socket } from 'node:net'
import type { Ledger, OpenConnectionAccount } from './account.ts'
import type { Choose } from './exchange.ts'
import type { EarlyFault } from './fault.ts'
import type { Http2Options } from './h2/options.ts'
import { wasReset } from './was-reset.ts'

/** Finds the fault that strikes a connection where no route is known yet, if any. Asked once at each place. */
export type EarlyFaults = (at: EarlyFault['at'], connection: number) => EarlyFault | undefined

/** What all connections of a server have in common. */
export interface Conversation {
  readonly ledger: Ledger
  readonly choose: Choose
  readonly earlyFault: EarlyFaults
  readonly keepBody: number
  readonly idleTimeout: number | undefined
  readonly maxRequests: number | undefined
  readonly http2: Http2Options
}

/** A connection that is talked on. */
export interface Talk {
  /** Reads on where a reply stopped reading. */
  flow(): void
}

/** One accepted connection: its socket, the TCP socket below it (itself, or what TLS runs over), and its account. */
export interface Accepted {
  readonly socket: Socket
  readonly raw: Socket
  readonly account: OpenConnectionAccount
}

/** Watches for the end of a connection. The signal is aborted when it came, and the account says who was first. */
export function watchEnd({ socket, raw, account }: Accepted): AbortSignal {
  const leaving = new AbortController()
  const left = (how: OpenConnectionAccount['closedBy']): void => {
    account.closedBy ??= how
    leaving.abort()
    socket.destroy()
  }
  socket.on('end', () => left(wasReset(raw) ? 'client-reset' : 'client-fin'))
  socket.on('error', () => left('client-reset'))
  socket.on('close', () => left('server'))
  return leaving.signal
}
