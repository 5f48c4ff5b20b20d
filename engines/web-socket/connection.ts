/** A connection for one WebSocket, as the pool sees it. */
import type { Socket } from 'node:net'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import { SocketedConnection } from '../pool/socketed.ts'
import type { SocketExchange } from './exchange.ts'

/** Is given to one exchange, and closed behind it. */
export class SocketConnection extends SocketedConnection<SocketExchange> {
  readonly target: Target
  declare readonly socket: Socket
  readonly pipelinable: boolean = false
  #running = 0

  constructor(
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    owner: ConnectionOwner<SocketExchange>,
  ) {
    super(id, socket, facts, owner)
    this.target = target
    // Whoever waited for it may have left while it was made.
    queueMicrotask(() => {
      if (this.#running === 0) this.destroy()
    })
  }

  get running(): number {
    return this.#running
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
}

function begin(exchange: SocketExchange, connection: SocketConnection): void {
  if (exchange.isOn(connection)) exchange.begin()
}
