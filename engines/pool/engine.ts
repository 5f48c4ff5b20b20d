/** An engine that stands on the pools: it only makes its exchanges. */
import {
  describe,
  HttpError,
  type Capabilities,
  type ConnectionEvent,
  type Engine,
  type EventObserver,
  type HttpRequest,
  type PoolStats,
} from '../../src/index.ts'
import { Scoped } from '../connector/scoped.ts'
import type { PooledExchange } from './pooled.ts'
import type { Pools } from './pools.ts'

/** Sends requests over the connections of its pools. */
export class PooledEngine<X extends PooledExchange<X>> implements Engine {
  readonly name: string
  readonly capabilities: Capabilities
  readonly #pools: Pools<X>
  readonly #begin: (request: HttpRequest, observer: EventObserver) => X
  readonly #asyncContext: boolean

  /** `begin` makes an exchange that is not sent yet. */
  constructor(
    name: string,
    capabilities: Capabilities,
    pools: Pools<X>,
    begin: (request: HttpRequest, observer: EventObserver) => X,
    asyncContext: boolean,
  ) {
    this.name = name
    this.capabilities = capabilities
    this.#pools = pools
    this.#begin = begin
    this.#asyncContext = asyncContext
  }

  exchange(request: HttpRequest, observer: EventObserver): X {
    const exchange = this.#begin(request, this.#asyncContext ? new Scoped(observer) : observer)
    if (this.#pools.closing) exchange.fail(closed(request))
    else this.#pools.run(exchange)
    return exchange
  }

  close(): Promise<void> {
    return this.#pools.close()
  }

  destroy(reason: HttpError = new HttpError('CANCELLED', 'The engine was destroyed.')): Promise<void> {
    return this.#pools.destroy(reason)
  }

  stats(): PoolStats {
    return this.#pools.stats
  }

  watch(listener: (event: ConnectionEvent) => void): () => void {
    return this.#pools.watch(listener)
  }
}

function closed(request: HttpRequest): HttpError {
  return new HttpError('CLOSED', `${describe(request, request.attempt)} was not sent: its engine is closed.`, {
    phase: 'queue',
    request,
    attempt: request.attempt,
    requestWritten: 'no',
  })
}
