/** A connection that is one socket, and lives as long as that. */
import type { Socket } from 'node:net'
import type { ConnectionFacts } from '../connector/connecting.ts'
import { CountedConnection } from './counted.ts'
import type { ConnectionOwner } from './pooled.ts'

/** Made before whoever speaks over the socket listens to it, who can then be told apart by what is already known here. */
export abstract class SocketedConnection<X> extends CountedConnection<X> {
  protected readonly socket: Socket
  #ended = false
  #fault: Error | undefined

  constructor(id: number, socket: Socket, facts: ConnectionFacts, owner: ConnectionOwner<X>) {
    super(id, facts, owner)
    this.socket = socket
    socket.on('error', error => {
      this.broken(error)
      // Of an alert behind the handshake (TLS 1.3) Node tells and leaves the socket open.
      socket.destroy()
    })
    socket.once('end', () => {
      this.#ended = true
    })
    socket.once('close', () => {
      this.retire()
      owner.closed(this)
    })
  }

  override get retiring(): boolean {
    return this.retired || this.socket.destroyed
  }
  /** True when the peer has ended its side. */
  get ended(): boolean {
    return this.#ended
  }
  /** What was wrong with it, if the peer did not simply end it. */
  get fault(): Error | undefined {
    return this.#fault
  }

  /** Closes it now. */
  destroy(): void {
    this.retire()
    this.socket.destroy()
  }

  /** The socket says what is wrong with it. The first word counts. */
  protected broken(error: Error): void {
    this.#fault ??= error
  }
}
