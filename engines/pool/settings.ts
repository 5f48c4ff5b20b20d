/** What the pools need to know of the options. */

/** The options of the pool, with every default filled in. Times are milliseconds. */
export interface PoolSettings {
  readonly connections: number
  readonly connectionsPerOrigin: number
  readonly pipelining: number
  readonly connectTimeout: number | false
  readonly acquireTimeout: number | false
}
