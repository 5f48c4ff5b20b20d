/** One connection: a socket, and the request that is on it. */
import type { Socket } from 'node:net'
import type { ConnectionInfo, ConnectedEvent, Route } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { HttpExchange } from './exchange.ts'
import { restOf } from './keep-alive.ts'
import type { Settings } from './settings.ts'
import { HandOver } from './wire.ts'

/** Lends its socket to one request at a time; while it is idle a timer runs and what arrives is one answer too many. */
export class Connection implements PooledConnection<HttpExchange> {
  readonly info: ConnectionInfo
  readonly target: Target
  /** What goes into the header `Host`. */
  readonly authority: string
  readonly handOver: HandOver
  readonly pipelinable: boolean = false
  readonly #socket: Socket
  readonly #settings: Settings
  readonly #owner: ConnectionOwner<HttpExchange>
  readonly #settle: () => void
  #again: ConnectedEvent | undefined
  #current: HttpExchange | undefined
  #used = 0
  /** False while Node has the socket. */
  #free = true
  #retired = false
  #ended = false
  #fault: Error | undefined
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
    this.info = { id, ...facts, reused: false }
    this.target = target
    this.authority = target.origin.slice(target.origin.indexOf('//') + 2)
    this.handOver = new HandOver(socket, this.target, settings.keepAlive !== false)
    this.#socket = socket
    this.#settings = settings
    this.#owner = owner
    this.#rest = settings.keepAlive === false ? 0 : settings.keepAlive
    this.#settle = () => {
      if (!this.#free || this.#retired) this.destroy()
      else this.#idle()
      owner.settled(this)
    }
    // These run before the listeners of Node's requests, which can then be told apart by what is already known.
    socket.on('error', error => {
      this.#fault ??= error
      this.#current?.ending()
      // Of an alert behind the handshake (TLS 1.3) Node tells and leaves the socket open.
      socket.destroy()
    })
    socket.once('end', () => {
      this.#ended = true
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
      this.retire()
      owner.closed(this)
    })
    this.#idle()
  }

  /** True when another request was sent over it before the one that runs now. */
  get reused(): boolean {
    return this.#used > 1
  }
  /** How many requests are on it. */
  get running(): number {
    return this.#current === undefined ? 0 : 1
  }
  /** True when it will take no more requests. */
  get retiring(): boolean {
    return this.#retired || this.#socket.destroyed
  }
  /** True when the peer has ended its side. */
  get ended(): boolean {
    return this.#ended
  }
  /** What was wrong with it, if the peer did not simply end it. */
  get fault(): Error | undefined {
    return this.#fault
  }

  /** Gives it to a request, which begins in a moment: who is left before that has not touched it. */
  send(exchange: HttpExchange): void {
    this.#current = exchange
    // One in use keeps the process alive.
    this.#socket.ref()
    exchange.hand(this)
    // What must not be sent twice waits one more turn of the loop, in which it shows if the server has just hung up.
    if (this.#used === 0 || exchange.repeatable) process.nextTick(begin, exchange, this)
    else setImmediate(begin, exchange, this)
  }

  /** The route to the proxy that it leads to, where that is asked in place of the server. */
  get forwarded(): Route | undefined {
    return this.target.forwarder && this.target.route
  }

  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent {
    this.#used++
    if (this.#used === 1) return { type: 'connection', connection: this.info }
    this.#again ??= { type: 'connection', connection: { ...this.info, reused: true } }
    return this.#again
  }

  /** Node takes the socket for a request. */
  lend(): void {
    this.#free = false
  }

  /** A request was written. From the first one on it is known whose answer comes. */
  written(): void {
    // Before the listener of Node, which may be through with the answer when it returns.
    if (this.#used === 1) this.#socket.prependListener('data', () => this.#heard())
  }

  /** An answer tells how long the server keeps the connection. */
  answered(fields: readonly string[]): void {
    this.#rest = restOf(fields, this.#settings)
  }

  /** The request is through. Whether Node gives the socket back shows when it has returned from telling us. */
  done(): void {
    this.#current = undefined
    this.#owner.settling()
    process.nextTick(this.#settle)
  }

  /** Takes no more requests; the one that runs on it may end. */
  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#owner.retired(this)
  }

  /** Closes it now. */
  destroy(): void {
    this.retire()
    this.#socket.destroy()
  }

  /** Bytes came. When nobody waits for any they are the answer to nothing, and must not become that to the next request. */
  #heard(): void {
    if (this.#current === undefined) this.destroy()
    else if (this.#current.whole) this.retire()
    else this.#current.heard()
  }

  /** Nobody uses it: it waits, not for ever, and does not keep the process alive. */
  #idle(): void {
    this.#socket.unref()
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
