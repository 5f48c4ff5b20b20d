/** A place for one request on a connection that belongs to somebody else, and stays open behind it. */
import type { ConnectedEvent } from '../../src/index.ts'
import { CountedConnection } from './counted.ts'

/** Takes one request and retires. Whether the connection below was used before is not for it to count. */
export abstract class OneUseConnection<X> extends CountedConnection<X> {
  readonly pipelinable: boolean = false

  override get reused(): boolean {
    return this.info.reused
  }

  override use(): ConnectedEvent {
    return { type: 'connection', connection: this.info }
  }

  destroy(): void {
    if (this.retired) return
    this.retire()
    // With a request on it, it is closed when that is through.
    if (this.running === 0) this.owner.closed(this)
  }

  /** Its request is through, and with that the place is gone. */
  protected leave(): void {
    this.owner.settling()
    queueMicrotask(() => {
      this.retire()
      this.owner.settled(this)
      this.owner.closed(this)
    })
  }
}
