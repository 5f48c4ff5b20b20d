/** One connection: a socket with an undici client of its own, and what was sent over it. */
import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { Route } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import { codeOf } from '../connector/failure.ts'
import { ownOf } from '../connector/options.ts'
import type { Target } from '../connector/target.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import { SocketedConnection } from '../pool/socketed.ts'
import type { UndiciExchange } from './exchange.ts'
import { through } from './interceptors.ts'
import type { Line, Send } from './line.ts'
import type { Settings } from './settings.ts'

/** Tells undici that a connection which ended is not to be replaced: finding another one is the pool's work. */
const RETIRED: Error = Object.assign(new Error('The connection was closed.'), { code: 'SLUICE_RETIRED' })

/** Requests are given to a connection one at a time (or, pipelined, a few), so nothing ever waits inside undici. */
export class Connection extends SocketedConnection<UndiciExchange> implements Line {
  readonly forwarded: Route | undefined
  readonly #client: Client
  /** Goes around the client where the user put interceptors there. */
  readonly #through: Send | undefined
  readonly #settle: () => void
  readonly #pipelining: number
  #running = 0
  #pipelinable = true
  #settling = false
  #warm: NodeJS.Timeout | undefined

  constructor(
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    settings: Settings,
    owner: ConnectionOwner<UndiciExchange>,
  ) {
    super(id, socket, facts, owner)
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
    socket.once('end', () => {
      if (this.used === 0) socket.destroy()
    })
    socket.once('close', () => {
      clearTimeout(this.#warm)
    })
    this.#warm = setTimeout(() => socket.destroy(), settings.keepAlive === false ? 0 : settings.keepAlive)
    this.#warm.unref()
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

  /** Sends a request. What becomes of it is heard by the exchange, which may happen before this returns. */
  send(exchange: UndiciExchange): void {
    this.#pipelinable = exchange.pipelinable && (this.#pipelinable || this.#running === 0)
    this.#running++
    const options = exchange.hand(this)
    if (this.used === 0 || exchange.repeatable) this.#dispatch(options, exchange)
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

  /** A request is through. Whether undici keeps the socket shows when it has returned from telling us. */
  done(): void {
    this.#running--
    if (this.#settling) return
    this.#settling = true
    this.owner.settling()
    queueMicrotask(this.#settle)
  }

  /** undici destroys sockets with errors of its own, also when there was one that says more. */
  protected override broken(error: Error): void {
    if (!codeOf(error).startsWith('UND_ERR_')) super.broken(error)
  }

  /** undici takes the socket with the first request. */
  #handOver(): Socket | undefined {
    clearTimeout(this.#warm)
    if (this.retired) return undefined
    // A connection that was made ahead of its request did not keep the process alive; one in use does.
    this.socket.ref()
    return this.socket
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
