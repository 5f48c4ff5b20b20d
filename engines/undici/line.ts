/** What an exchange knows of the way it is sent. */
import type { Dispatcher } from 'undici'
import type { ConnectedEvent, Route } from '../../src/index.ts'

/** A way to the server that takes a request. */
export interface Line {
  /** True when another request was sent over it before the one that runs now. */
  readonly reused: boolean
  /** True when the peer has ended its side. */
  readonly ended: boolean
  /** What was wrong with it, if the peer did not simply end it. */
  readonly fault: Error | undefined
  /** The route to the proxy that it leads to, where that is asked in place of the server. */
  readonly forwarded: Route | undefined
  /** True when others hear what undici says too: interceptors, a dispatcher of the user's. */
  readonly overheard: boolean
  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent
  /** A request is through. */
  done(): void
  /** Takes no more requests; those that run on it may end. */
  retire(): void
  /** Closes it now, if it is ours to close. */
  destroy(): void
}

/** Gives a request to undici; `handler` hears what becomes of it. `explain` says what an error before it was sent means. */
export type Send = (
  options: Dispatcher.DispatchOptions,
  handler: Dispatcher.DispatchHandler,
  explain?: (error: unknown) => unknown,
) => void
