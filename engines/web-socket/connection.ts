/** A connection for one WebSocket, as the pool sees it. */
import type { Socket } from 'node:net'
import type { ConnectionInfo } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { SocketExchange } from './exchange.ts'

/** Is given to one exchange, and closed behind it. */
export class SocketConnection implements PooledConnection<SocketExchange> {
  readonly info: ConnectionInfo
  readonly target: Target
  readonly socket: Socket
  readonly pipelinable = false
  readonly #owner: ConnectionOwner<SocketExchange>
  #running = 0
  #retired = false
  #ended = false
  #fault: Error | undefined

  constructor(
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    owner: ConnectionOwner<SocketExchange>,
  ) {
    this.info = { id, ...facts, reused: false }
    this.target = target
    this.socket = socket
    this.#owner = owner
    // These run before the listeners of Node's request, which can then be told apart by what is already known.
    socket.on('error', error => {
      this.#fault ??= error
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
    // Whoever waited for it may have left while it was made.
    queueMicrotask(() => {
      if (this.#running === 0) this.destroy()
    })
  }

  get running(): number {
    return this.#running
  }
  get retiring(): boolean {
    return this.#retired || this.socket.destroyed
  }
  /** True when the peer has ended its side. */
  get ended(): boolean {
    return this.#ended
  }
  /** What was wrong with it, if the peer did not simply end it. */
  get fault(): Error | undefined {
    return this.#fault
  }

  send(exchange: SocketExchange): void {
    this.#running = 1
    this.socket.ref()
    exchange.hand(this)
    process.nextTick(begin, exchange, this)
  }

  /** The exchange is through. The socket may have a last word to say. */
  done(): void {
    this.#running = 0
    this.retire()
  }

  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#owner.retired(this)
  }

  destroy(): void {
    this.retire()
    this.socket.destroy()
  }
}

function begin(exchange: SocketExchange, connection: SocketConnection): void {
  if (exchange.isOn(connection)) exchange.begin()
}
