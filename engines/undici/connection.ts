/** One connection: a socket with an undici client of its own, and what was sent over it. */
import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { ConnectionInfo, ConnectedEvent, Route } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import { codeOf } from '../connector/failure.ts'
import { ownOf } from '../connector/options.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { UndiciExchange } from './exchange.ts'
import { through } from './interceptors.ts'
import type { Line, Send } from './line.ts'
import type { Settings } from './settings.ts'

/** Tells undici that a connection which ended is not to be replaced: finding another one is the pool's work. */
const RETIRED: Error = Object.assign(new Error('The connection was closed.'), { code: 'SLUICE_RETIRED' })

/** Requests are given to a connection one at a time (or, pipelined, a few), so nothing ever waits inside undici. */
export class Connection implements PooledConnection<UndiciExchange>, Line {
  readonly info: ConnectionInfo
  readonly forwarded: Route | undefined
  readonly #socket: Socket
  readonly #client: Client
  /** Goes around the client where the user put interceptors there. */
  readonly #through: Send | undefined
  readonly #owner: ConnectionOwner<UndiciExchange>
  readonly #settle: () => void
  readonly #pipelining: number
  #again: ConnectedEvent | undefined
  #running = 0
  #pipelinable = true
  #settling = false
  #used = 0
  #retired = false
  #ended = false
  #fault: Error | undefined
  #warm: NodeJS.Timeout | undefined

  constructor(
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    settings: Settings,
    owner: ConnectionOwner<UndiciExchange>,
  ) {
    this.info = { id, ...facts, reused: false }
    this.#socket = socket
    this.#owner = owner
    this.#pipelining = settings.pipelining
    this.#settle = () => {
      this.#settling = false
      owner.settled(this)
    }
    const { origin } = target
    this.forwarded = target.forwarder && target.route
    const client = clientOf(origin, settings, () => this.#handOver())
    this.#client = client
    if (settings.compose !== undefined)
      this.#through = through(origin, (options, handler) => client.dispatch(options, handler), settings.compose)
    // These run before the listeners of undici, which can then be told apart by what they already know.
    socket.on('error', error => {
      // undici destroys sockets with errors of its own, also when there was one that says more.
      if (!codeOf(error).startsWith('UND_ERR_')) this.#fault ??= error
      // Of an alert behind the handshake (TLS 1.3) Node tells and leaves the socket open.
      socket.destroy()
    })
    socket.once('end', () => {
      this.#ended = true
      if (this.#used === 0) socket.destroy()
    })
    socket.once('close', () => {
      clearTimeout(this.#warm)
      this.retire()
      owner.closed(this)
    })
    this.#warm = setTimeout(() => socket.destroy(), settings.keepAlive === false ? 0 : settings.keepAlive)
    this.#warm.unref()
  }

  /** True when another request was sent over it before the one that runs now. */
  get reused(): boolean {
    return this.#used > 1
  }
  /** True when interceptors hear what undici says too. */
  get overheard(): boolean {
    return this.#through !== undefined
  }
  /** How many requests are on it. */
  get running(): number {
    return this.#running
  }
  /** True when one more request may be sent before the others are answered. */
  get pipelinable(): boolean {
    return this.#pipelinable && this.#running > 0 && this.#running < this.#pipelining && !this.retiring
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

  /** Sends a request. What becomes of it is heard by the exchange, which may happen before this returns. */
  send(exchange: UndiciExchange): void {
    this.#pipelinable = exchange.pipelinable && (this.#pipelinable || this.#running === 0)
    this.#running++
    const options = exchange.hand(this)
    if (this.#used === 0 || exchange.repeatable) this.#dispatch(options, exchange)
    else this.#sendLater(exchange, options)
  }

  /** What must not be sent twice waits one more turn of the loop, in which it shows if the server has just hung up. */
  #sendLater(exchange: UndiciExchange, options: Dispatcher.DispatchOptions): void {
    setImmediate(() => {
      if (!exchange.isOn(this)) return
      if (this.retiring) exchange.onResponseError(undefined, RETIRED)
      else this.#dispatch(options, exchange)
    })
  }

  #dispatch(options: Dispatcher.DispatchOptions, exchange: UndiciExchange): void {
    if (this.#through === undefined) this.#client.dispatch(options, exchange)
    else this.#through(options, exchange)
  }

  /** The event that says which connection a request runs on; counts the requests as it is asked for. */
  use(): ConnectedEvent {
    this.#used++
    if (this.#used === 1) return { type: 'connection', connection: this.info }
    this.#again ??= { type: 'connection', connection: { ...this.info, reused: true } }
    return this.#again
  }

  /** A request is through. Whether undici keeps the socket shows when it has returned from telling us. */
  done(): void {
    this.#running--
    if (this.#settling) return
    this.#settling = true
    this.#owner.settling()
    queueMicrotask(this.#settle)
  }

  /** Takes no more requests; those that run on it may end. */
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

  /** undici takes the socket with the first request. */
  #handOver(): Socket | undefined {
    clearTimeout(this.#warm)
    if (this.#retired) return undefined
    // A connection that was made ahead of its request did not keep the process alive; one in use does.
    this.#socket.ref()
    return this.#socket
  }
}

function clientOf(origin: string, settings: Settings, handOver: () => Socket | undefined): Client {
  const { keepAlive, keepAliveAnnounced, pipelining, maxHeaderSize } = settings
  // undici reads more options than are set here.
  const options: Client.Options = ownOf({
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize,
    pipelining: keepAlive === false ? 0 : pipelining,
    keepAliveTimeout: keepAlive === false ? 1 : keepAlive,
    keepAliveMaxTimeout: keepAliveAnnounced === false ? 1 : keepAliveAnnounced,
    connect(_, callback) {
      // undici misses an answer that comes while it asks.
      queueMicrotask(() => {
        const socket = handOver()
        if (socket === undefined) callback(RETIRED, null)
        else callback(null, socket)
      })
    },
  })
  return new Client(origin, options)
}
