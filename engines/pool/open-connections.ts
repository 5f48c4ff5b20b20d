/** The connections of a pool, and which of them takes the next request. */
import type { PooledConnection } from './pooled.ts'

/** Holds those that take requests, or are busy with some. */
export class OpenConnections<X> {
  readonly #all = new Set<PooledConnection<X>>()
  /** The one used last is at the end and is used next, so that what is not needed grows old and is closed. */
  readonly #idle: PooledConnection<X>[] = []
  /** Those that carry many requests side by side. */
  readonly #shared = new Set<PooledConnection<X>>()

  get size(): number {
    return this.#all.size
  }
  /** How many of them nobody uses. */
  get idle(): number {
    return this.#idle.length
  }

  add(connection: PooledConnection<X>): void {
    this.#all.add(connection)
    if (connection.roomy !== undefined) this.#shared.add(connection)
  }

  /** It takes no more requests. */
  delete(connection: PooledConnection<X>): void {
    this.#all.delete(connection)
    this.#shared.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  /** Nobody uses it any more. */
  rest(connection: PooledConnection<X>): void {
    this.#idle.push(connection)
  }

  /** Closes all that nobody uses. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  /** Closes the one that has been idle longest; false when none is. */
  closeOldest(): boolean {
    const connection = this.#idle.shift()
    connection?.destroy()
    return connection !== undefined
  }

  /** A connection that can take a request now. */
  take(): PooledConnection<X> | undefined {
    let fullest: PooledConnection<X> | undefined
    for (const connection of this.#shared) {
      if (connection.roomy !== true) continue
      if (fullest === undefined || connection.running > fullest.running) fullest = connection
    }
    if (fullest === undefined) {
      let rested = this.#idle.pop()
      while (rested?.retiring === true) rested = this.#idle.pop()
      return rested
    }
    // One that was idle is not any more.
    const at = fullest.running === 0 ? this.#idle.indexOf(fullest) : -1
    if (at >= 0) this.#idle.splice(at, 1)
    return fullest
  }

  /** The one that may be sent one more request before the others are answered, and has fewest. */
  leastBusy(): PooledConnection<X> | undefined {
    let best: PooledConnection<X> | undefined
    for (const connection of this.#all) {
      if (!connection.pipelinable) continue
      if (best === undefined || connection.running < best.running) best = connection
    }
    return best
  }
}
