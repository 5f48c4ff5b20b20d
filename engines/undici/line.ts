/** What an exchange knows of the way it is sent. */
import type { Dispatcher } from 'undici'
import type { Lane } from '../exchange/over-http1.ts'

/** A way to the server that takes a request. */
export interface Line extends Lane {
  /** True when others hear what undici says too: interceptors, a dispatcher of the user's. */
  readonly overheard: boolean
}

/** Gives a request to undici; `handler` hears what becomes of it. `explain` says what an error before it was sent means. */
export type Send = (
  options: Dispatcher.DispatchOptions,
  handler: Dispatcher.DispatchHandler,
  explain?: (error: unknown) => unknown,
) => void
