/** One exchange on a route: sent by the first of its engines that gets a connection. */
import type { Engine, EventObserver, Exchange } from '../engine.ts'
import type { HttpError } from '../errors.ts'
import { notice, type ConnectionInfo, type HttpEvent } from '../events.ts'
import { Linked } from '../linked.ts'
import type { HttpRequest } from '../request.ts'

/** What an exchange is told by its route. */
export interface Routing {
  /** Whether the next engine may try after this error. */
  readonly fallBack: (error: HttpError) => boolean
  /** Makes the number of a connection one of the whole route. */
  readonly numbered: (engine: Engine, connection: ConnectionInfo) => ConnectionInfo
  /** Called when it is over, however. */
  readonly over: (exchange: RoutedExchange) => void
}

/** Passes on what the engine tells that has it now. */
export class RoutedExchange extends Linked<RoutedExchange> implements Exchange, EventObserver {
  readonly #request: HttpRequest
  readonly #observer: EventObserver
  readonly #engines: readonly Engine[]
  readonly #routing: Routing
  #at = -1
  #exchange: Exchange | undefined
  #paused = false
  #heard = false
  #over = false
  #left = false

  constructor(request: HttpRequest, observer: EventObserver, engines: readonly Engine[], routing: Routing) {
    super()
    this.#request = request
    this.#observer = observer
    this.#engines = engines
    this.#routing = routing
  }

  /** Gives it to the next engine. */
  begin(): void {
    const engine = this.#engines[++this.#at]
    if (engine === undefined) return
    const at = this.#at
    const exchange = engine.exchange(this.#request, this)
    // Somebody may have left it before there was anything to abort; or it is over, or with the next engine already.
    if (this.#left && at === this.#at) exchange.abort()
    else if (!this.#over && at === this.#at) {
      this.#exchange = exchange
      if (this.#paused) exchange.pause()
    }
  }

  next(event: HttpEvent): void {
    if (this.#over) return
    this.#heard = true
    const engine = this.#engines[this.#at]
    const own = event.type === 'connection' && engine !== undefined
    this.#observer.next(own ? { ...event, connection: this.#routing.numbered(engine, event.connection) } : event)
  }

  error(error: HttpError): void {
    if (this.#over) return
    const from = this.#engines[this.#at]?.name
    const to = this.#engines[this.#at + 1]?.name
    if (to === undefined || !this.#untouched(error) || !this.#routing.fallBack(error)) {
      this.#end()
      this.#observer.error(error)
      return
    }
    this.#exchange = undefined
    this.#observer.next(notice('route', 'fell back', { from, to, code: error.code }))
    if (this.#isOver()) return
    this.#heard = false
    this.begin()
  }

  complete(): void {
    if (this.#over) return
    this.#end()
    this.#observer.complete()
  }

  closed(): boolean {
    return this.#over || this.#observer.closed?.() === true
  }

  abort(reason?: unknown): void {
    if (this.#over) return
    this.#left = true
    this.#end()
    this.#exchange?.abort(reason)
  }

  pause(): void {
    this.#paused = true
    this.#exchange?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#exchange?.resume()
  }

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.#over) return
    this.abort(error)
    this.#observer.error(error)
  }

  /** Nothing was heard of a connection, nothing was written, and the body is as it was. */
  #untouched({ requestWritten }: HttpError): boolean {
    const { body } = this.#request
    const spent = body !== undefined && 'spent' in body && body.spent
    return !this.#heard && requestWritten === 'no' && !spent
  }

  #isOver(): boolean {
    return this.#over
  }

  #end(): void {
    this.#over = true
    this.#routing.over(this)
  }
}
