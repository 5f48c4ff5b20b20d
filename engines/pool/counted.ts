/** A connection that knows how often it was used, and retires but once. */
import type { ConnectionInfo, ConnectedEvent } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { ConnectionOwner, PooledConnection } from './pooled.ts'

/** What every connection is, whatever is spoken over it. */
export abstract class CountedConnection<X> implements PooledConnection<X> {
  readonly info: ConnectionInfo
  abstract readonly running: number
  abstract readonly pipelinable: boolean
  protected readonly owner: ConnectionOwner<X>
  protected used = 0
  protected retired = false
  #again: ConnectedEvent | undefined

  constructor(id: number, facts: ConnectionFacts, owner: ConnectionOwner<X>, reused: boolean = false) {
    this.info = { id, ...facts, reused }
    this.owner = owner
  }

  abstract send(exchange: X): void
  abstract destroy(): void

  /** True when another request was sent over it before the one that runs now. */
  get reused(): boolean {
    return this.used > 1
  }
  /** True when it will take no more requests. */
  get retiring(): boolean {
    return this.retired
  }

  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent {
    this.used++
    if (this.used === 1) return { type: 'connection', connection: this.info }
    this.#again ??= { type: 'connection', connection: { ...this.info, reused: true } }
    return this.#again
  }

  /** Takes no more requests; those that run on it may end. */
  retire(): void {
    if (this.retired) return
    this.retired = true
    this.owner.retired(this)
  }
}
