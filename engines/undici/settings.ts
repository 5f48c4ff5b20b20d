/** What the pools need to know of the options. */

/** The options of the engine that are not those of connecting, with every default filled in. */
export interface Settings {
  readonly connections: number
  readonly connectionsPerOrigin: number
  readonly pipelining: number
  readonly keepAlive: number | false
  /** The same where the server announces how long it keeps the connection. */
  readonly keepAliveAnnounced: number | false
  readonly connectTimeout: number | false
  readonly acquireTimeout: number | false
  readonly maxHeaderSize: number
}
