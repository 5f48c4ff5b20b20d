/** Requests over a dispatcher of the user's: their agent, a proxy agent or mock agent of undici, whatever else dispatches. */
import { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import type { ConnectListener } from '../connector/connecting.ts'
import { codeOf } from '../connector/failure.ts'
import type { Target } from '../connector/target.ts'
import { unconnected } from '../exchange/unconnected.ts'
import type { Preparing } from '../pool/attempt.ts'
import { OneUseConnection } from '../pool/one-use.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
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
export class Place extends OneUseConnection<UndiciExchange> implements Line {
  readonly ended = false
  readonly fault = undefined
  readonly forwarded = undefined
  readonly overheard = true
  readonly #send: Send
  #running = 0

  constructor(
    id: number,
    origin: string,
    dispatcher: Dispatcher,
    interceptors: readonly UndiciInterceptor[],
    owner: ConnectionOwner<UndiciExchange>,
  ) {
    super(id, { protocol: 'http/1.1', took: {} }, owner)
    this.#send = through(origin, (options, handler) => dispatcher.dispatch(options, handler), interceptors)
  }

  get running(): number {
    return this.#running
  }

  send(exchange: UndiciExchange): void {
    this.#running++
    const options = exchange.hand(this)
    this.#send(options, exchange, error => explained(exchange.request, error))
  }

  done(): void {
    this.#running--
    this.leave()
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
