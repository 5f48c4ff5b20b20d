/** How a connection that is made again and again is doing. */

/** What becomes of a connection that is made again when it breaks, in the order in which it happens. */
export type ConnectionState =
  | {
      readonly name: 'connecting'
      /** Which connection it is, counted from 1. */
      readonly attempt: number
    }
  | { readonly name: 'open' }
  | {
      readonly name: 'waiting'
      /** Milliseconds until the next connection. */
      readonly delay: number
      /** What ended the last one; `undefined` when it ended well. */
      readonly error: unknown
    }
  | {
      readonly name: 'closed'
      /** The error of the whole; `undefined` when it completed or was left. */
      readonly error: unknown
    }
