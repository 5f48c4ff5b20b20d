/** WebSockets beside the requests of an engine: each on a connection of its own, under the same limits of time. */
import {
  describe,
  HttpError,
  type Capabilities,
  type ConnectionEvent,
  type Engine,
  type EventObserver,
  type Exchange,
  type HttpRequest,
  type PoolNumbers,
  type PoolStats,
  type WebSocketWish,
} from '../../src/index.ts'
import { Scoped } from '../connector/scoped.ts'
import { Pools, type Counter, type Source } from '../pool/pools.ts'
import type { PoolSettings } from '../pool/settings.ts'
import { SocketConnection } from './connection.ts'
import { SocketExchange } from './exchange.ts'
import type { HandshakeSettings } from './handshake.ts'
import { wishOf } from './wish.ts'

/** What is offered by ALPN: a connection that is upgraded speaks HTTP/1.1. */
export const UPGRADABLE: readonly string[] = ['http/1.1']

/** Opens WebSockets over connections of HTTP/1.1. */
export class Sockets {
  readonly #pools: Pools<SocketExchange>
  readonly #settings: HandshakeSettings

  /** `ids` numbers connections, together with those of the engine. */
  constructor(settings: PoolSettings & HandshakeSettings, source: Source, ids: Counter) {
    this.#settings = settings
    // One that is open for hours must not take the place of requests, nor wait for one: each is somebody's own wish.
    const unlimited = { ...settings, connections: Infinity, connectionsPerOrigin: Infinity, pipelining: 1 }
    this.#pools = new Pools<SocketExchange>(
      unlimited,
      {
        // A proxy that is asked in place of the server cannot be asked for a WebSocket: the way is always a tunnel.
        prepare: (target, listener) => source.prepare({ ...target, forwarder: undefined }, listener),
      },
      (id, target, socket, facts, owner) => new SocketConnection(id, target, socket, facts, owner),
      ids,
    )
  }

  get stats(): PoolStats {
    return this.#pools.stats
  }

  /** Begins one. */
  open(request: HttpRequest, wish: WebSocketWish, observer: EventObserver): SocketExchange {
    const exchange = new SocketExchange(request, wish, observer, this.#pools, this.#settings)
    this.#pools.run(exchange)
    return exchange
  }

  close(): Promise<void> {
    return this.#pools.close()
  }

  destroy(reason: HttpError): Promise<void> {
    return this.#pools.destroy(reason)
  }

  watch(listener: (event: ConnectionEvent) => void): () => void {
    return this.#pools.watch(listener)
  }
}

/** An engine on pools, as far as it is needed here. */
type Base = Engine & Required<Pick<Engine, 'stats' | 'watch' | 'destroy'>>

/** Opens a WebSocket where one is asked for. */
export type Open = (request: HttpRequest, wish: WebSocketWish, observer: EventObserver) => Exchange

/** An engine that opens WebSockets too. */
export class SocketEngine implements Engine {
  readonly name: string
  readonly capabilities: Capabilities
  readonly #base: Base
  readonly #sockets: Sockets | undefined
  readonly #open: Open
  readonly #asyncContext: boolean
  #closing = false

  /** `open` opens them, by default over `sockets`; without both the engine itself does. */
  constructor(base: Base, sockets: Sockets | undefined, asyncContext: boolean, open?: Open) {
    this.name = base.name
    this.capabilities = { ...base.capabilities, webSocket: true }
    this.#base = base
    this.#sockets = sockets
    this.#asyncContext = asyncContext
    this.#open = open ?? ((request, wish, observer) => sockets?.open(request, wish, observer) ?? NOTHING)
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    let wish: WebSocketWish | undefined
    try {
      wish = wishOf(request)
      if (wish !== undefined && this.#closing) throw closed(request)
    } catch (error) {
      observer.error(error as HttpError)
      return NOTHING
    }
    if (wish === undefined || this.#sockets === undefined) return this.#base.exchange(request, observer)
    return this.#open(request, wish, this.#asyncContext ? new Scoped(observer) : observer)
  }

  async close(): Promise<void> {
    this.#closing = true
    // First that which may still become one of the others.
    await this.#base.close()
    await this.#sockets?.close()
  }

  async destroy(reason: HttpError = new HttpError('CANCELLED', 'The engine was destroyed.')): Promise<void> {
    this.#closing = true
    await Promise.all([this.#base.destroy(reason), this.#sockets?.destroy(reason)])
  }

  /** WebSockets are connections that are busy. */
  stats(): PoolStats {
    const requests = this.#base.stats()
    const sockets = this.#sockets?.stats
    if (sockets === undefined) return requests
    const origins = { ...requests.origins }
    for (const [origin, numbers] of Object.entries(sockets.origins)) {
      const beside = origins[origin]
      origins[origin] = beside === undefined ? numbers : plus(beside, numbers)
    }
    return { ...plus(requests, sockets), origins }
  }

  watch(listener: (event: ConnectionEvent) => void): () => void {
    const leave = [this.#base.watch(listener), this.#sockets?.watch(listener)]
    return () => {
      for (const one of leave) one?.()
    }
  }
}

const NOTHING: Exchange = { pause() {}, resume() {}, abort() {} }

function plus(one: PoolNumbers, other: PoolNumbers): PoolNumbers {
  return {
    open: one.open + other.open,
    idle: one.idle + other.idle,
    busy: one.busy + other.busy,
    queued: one.queued + other.queued,
  }
}

function closed(request: HttpRequest): HttpError {
  const { attempt } = request
  return new HttpError('CLOSED', `${describe(request, attempt)} was not sent: its engine is closed.`, {
    phase: 'queue',
    request,
    attempt,
    requestWritten: 'no',
  })
}
