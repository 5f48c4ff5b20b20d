/** Requests over a dispatcher of the user's: their agent, a proxy agent or mock agent of undici, whatever else dispatches. */
import { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { describe, HttpError, type ConnectionInfo, type ConnectedEvent, type HttpRequest } from '../../src/index.ts'
import type { ConnectListener } from '../connector/connecting.ts'
import { codeOf } from '../connector/failure.ts'
import type { Target } from '../connector/target.ts'
import { unconnected } from '../exchange/unconnected.ts'
import type { Preparing } from '../pool/attempt.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { Source } from '../pool/pools.ts'
import type { UndiciExchange } from './exchange.ts'
import { through, type UndiciInterceptor } from './interceptors.ts'
import type { Line, Send } from './line.ts'

/** Gives places instead of connections: the dispatcher has connections of its own, and is given no more requests than it may have places. */
export const places: Source = {
  prepare(_: Target, listener: ConnectListener): Preparing {
    let wanted = true
    return {
      phase: 'connect',
      start() {
        queueMicrotask(() => {
          // The pool passes the socket on to whoever makes the connection; here nobody needs one.
          if (wanted) listener.connected(new Socket(), { protocol: 'http/1.1', took: {} })
        })
      },
      destroy() {
        wanted = false
      },
      keepAlive: () => undefined,
    }
  },
}

/** A place for one request. What the dispatcher does with connections is not seen. */
export class Place implements PooledConnection<UndiciExchange>, Line {
  readonly info: ConnectionInfo
  readonly pipelinable = false
  readonly reused = false
  readonly ended = false
  readonly fault = undefined
  readonly forwarded = undefined
  readonly overheard = true
  readonly #send: Send
  readonly #owner: ConnectionOwner<UndiciExchange>
  #running = 0
  #retired = false

  constructor(
    id: number,
    origin: string,
    dispatcher: Dispatcher,
    interceptors: readonly UndiciInterceptor[],
    owner: ConnectionOwner<UndiciExchange>,
  ) {
    this.info = { id, protocol: 'http/1.1', reused: false, took: {} }
    this.#owner = owner
    this.#send = through(origin, (options, handler) => dispatcher.dispatch(options, handler), interceptors)
  }

  get running(): number {
    return this.#running
  }
  get retiring(): boolean {
    return this.#retired
  }

  send(exchange: UndiciExchange): void {
    this.#running++
    const options = exchange.hand(this)
    this.#send(options, exchange, error => explained(exchange.request, error))
  }

  use(): ConnectedEvent {
    return { type: 'connection', connection: this.info }
  }

  done(): void {
    this.#running--
    this.#owner.settling()
    queueMicrotask(() => {
      this.retire()
      this.#owner.settled(this)
      this.#owner.closed(this)
    })
  }

  retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#owner.retired(this)
  }

  destroy(): void {
    if (this.#retired) return
    this.retire()
    // With a request on it, it is closed when that is through.
    if (this.#running === 0) this.#owner.closed(this)
  }
}

/** What a dispatcher reports of a request it did not send, in our words; everything else as it is. */
function explained(request: HttpRequest, error: unknown): unknown {
  const failure = unconnected(request, error)
  if (failure !== undefined) return failure
  const code = codeOf(error)
  if (code !== 'UND_ERR_CLOSED' && code !== 'UND_ERR_DESTROYED') return error
  return new HttpError('CLOSED', `${describe(request, request.attempt)} was not sent: its dispatcher is closed.`, {
    phase: 'queue',
    cause: error,
  })
}
