/** What engines on the platform's own stack have in common: which exchanges run, and how they end together. */
import {
  describe,
  HttpError,
  LinkedList,
  type Capabilities,
  type Engine,
  type EventObserver,
  type Exchange,
  type HttpRequest,
  type Linked,
  type PoolNumbers,
  type PoolStats,
} from '../../src/index.ts'

/** An exchange such an engine can start and end. */
export interface Running extends Exchange, Linked<Running> {
  readonly request: HttpRequest
  begin(): void
  fail(error: HttpError): void
}

/** Makes an exchange that calls `ended` once it is over, however it ends. */
export type Start = (request: HttpRequest, observer: EventObserver, ended: () => void) => Running

/** Starts exchanges and ends them together. */
export class PlatformEngine implements Engine {
  readonly name: string
  readonly capabilities: Capabilities
  readonly #start: Start
  readonly #running = new LinkedList<Running>()
  readonly #closed: PromiseWithResolvers<undefined> = Promise.withResolvers()
  #closing = false

  constructor(name: string, capabilities: Capabilities, start: Start) {
    this.name = name
    this.capabilities = capabilities
    this.#start = start
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    const exchange = this.#start(request, observer, () => {
      this.#running.delete(exchange)
      this.#checkClosed()
    })
    this.#running.add(exchange)
    if (this.#closing) exchange.fail(closed(request))
    else exchange.begin()
    return exchange
  }

  /** Resolves when every exchange has ended. The sockets are the platform's. */
  async close(): Promise<void> {
    this.#closing = true
    this.#checkClosed()
    await this.#closed.promise
  }

  async destroy(reason: HttpError = new HttpError('CANCELLED', 'The engine was destroyed.')): Promise<void> {
    this.#closing = true
    for (const exchange of [...this.#running]) {
      const { request } = exchange
      exchange.fail(reason.with({ request, attempt: request.attempt }))
    }
    this.#checkClosed()
    await this.#closed.promise
  }

  /** Counts every exchange as a socket that is busy: how many there really are, the platform does not tell. */
  stats(): PoolStats {
    const origins: Record<string, PoolNumbers> = {}
    for (const { request } of this.#running) origins[request.origin] = numbers((origins[request.origin]?.busy ?? 0) + 1)
    return { ...numbers(this.#running.size), origins }
  }

  #checkClosed(): void {
    if (this.#closing && this.#running.size === 0) this.#closed.resolve(undefined)
  }
}

function numbers(busy: number): PoolNumbers {
  return { open: busy, idle: 0, busy, queued: 0 }
}

function closed(request: HttpRequest): HttpError {
  return new HttpError('CLOSED', `${describe(request, request.attempt)} was not sent: its engine is closed.`, {
    phase: 'queue',
    request,
    attempt: request.attempt,
    requestWritten: 'no',
  })
}
