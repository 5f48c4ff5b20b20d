/** One connection: a socket, and the request that is on it. */
import type { Socket } from 'node:net'
import type { Route } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import { SocketedConnection } from '../pool/socketed.ts'
import type { HttpExchange } from './exchange.ts'
import { restOf } from './keep-alive.ts'
import type { Settings } from './settings.ts'
import { HandOver } from './wire.ts'

/** Lends its socket to one request at a time; while it is idle a timer runs and what arrives is one answer too many. */
export class Connection extends SocketedConnection<HttpExchange> {
  readonly target: Target
  /** What goes into the header `Host`. */
  readonly authority: string
  readonly handOver: HandOver
  readonly pipelinable: boolean = false
  readonly #settings: Settings
  readonly #settle: () => void
  #current: HttpExchange | undefined
  /** False while Node has the socket. */
  #free = true
  #rest: number
  #restTimer: NodeJS.Timeout | undefined
  #restOfTimer = 0

  constructor(
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    settings: Settings,
    owner: ConnectionOwner<HttpExchange>,
  ) {
    super(id, socket, facts, owner)
    this.target = target
    this.authority = target.origin.slice(target.origin.indexOf('//') + 2)
    this.handOver = new HandOver(socket, this.target, settings.keepAlive !== false)
    this.#settings = settings
    this.#rest = settings.keepAlive === false ? 0 : settings.keepAlive
    this.#settle = () => {
      if (!this.#free || this.retired) this.destroy()
      else this.#idle()
      owner.settled(this)
    }
    socket.once('end', () => {
      this.#current?.ending()
      // Nothing more can come. Who has not got all of an answer by then is told when the socket closes.
      process.nextTick(() => socket.destroy())
    })
    socket.on('free', () => {
      this.#free = true
      // Node would keep the last request, and what came with it, for as long as the connection is idle.
      Object.assign(socket, { _httpMessage: null })
    })
    socket.once('close', () => {
      clearTimeout(this.#restTimer)
    })
    this.#idle()
  }

  /** How many requests are on it. */
  get running(): number {
    return this.#current === undefined ? 0 : 1
  }

  /** Gives it to a request, which begins in a moment: who is left before that has not touched it. */
  send(exchange: HttpExchange): void {
    this.#current = exchange
    // One in use keeps the process alive.
    this.socket.ref()
    exchange.hand(this)
    // What must not be sent twice waits one more turn of the loop, in which it shows if the server has just hung up.
    if (this.used === 0 || exchange.repeatable) process.nextTick(begin, exchange, this)
    else setImmediate(begin, exchange, this)
  }

  /** The route to the proxy that it leads to, where that is asked in place of the server. */
  get forwarded(): Route | undefined {
    return this.target.forwarder && this.target.route
  }

  /** Node takes the socket for a request. */
  lend(): void {
    this.#free = false
  }

  /** A request was written. From the first one on it is known whose answer comes. */
  written(): void {
    // Before the listener of Node, which may be through with the answer when it returns.
    if (this.used === 1) this.socket.prependListener('data', () => this.#heard())
  }

  /** An answer tells how long the server keeps the connection. */
  answered(fields: readonly string[]): void {
    this.#rest = restOf(fields, this.#settings)
  }

  /** The request is through. Whether Node gives the socket back shows when it has returned from telling us. */
  done(): void {
    this.#current = undefined
    this.owner.settling()
    process.nextTick(this.#settle)
  }

  protected override broken(error: Error): void {
    super.broken(error)
    this.#current?.ending()
  }

  /** Bytes came. When nobody waits for any they are the answer to nothing, and must not become that to the next request. */
  #heard(): void {
    if (this.#current === undefined) this.destroy()
    else if (this.#current.whole) this.retire()
    else this.#current.heard()
  }

  /** Nobody uses it: it waits, not for ever, and does not keep the process alive. */
  #idle(): void {
    this.socket.unref()
    if (this.#restTimer !== undefined && this.#restOfTimer === this.#rest) {
      this.#restTimer.refresh()
      return
    }
    clearTimeout(this.#restTimer)
    this.#restOfTimer = this.#rest
    // It is not stopped while the connection is used: that would cost more than to let it strike in vain.
    this.#restTimer = setTimeout(() => {
      if (this.#current === undefined) this.destroy()
    }, this.#rest)
    this.#restTimer.unref()
  }
}

function begin(exchange: HttpExchange, connection: Connection): void {
  if (exchange.isOn(connection)) exchange.begin()
}
