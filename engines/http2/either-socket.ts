/** A WebSocket where the server has the choice: over a session of HTTP/2 if it opens them there, else over HTTP/1.1. */
import type { Dispatcher } from 'undici'
import type { EventObserver, Exchange, HttpRequest } from '../../src/index.ts'
import type { Pools } from '../pool/pools.ts'
import { UndiciExchange } from '../undici/exchange.ts'
import type { Line } from '../undici/line.ts'
import type { Again } from './origin.ts'

/** Makes undici pass over it, and keep the connection for requests. */
const ELSEWHERE: Error = new Error('The WebSocket is opened over a connection of its own.')

/** Waits for a connection as a request does, and goes elsewhere from one that speaks HTTP/1.1. */
export class EitherSocket extends UndiciExchange {
  readonly #open: () => Exchange
  #line: Line | undefined
  #paused = false
  #instead: Exchange | undefined

  /** `open` opens it over HTTP/1.1. */
  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<UndiciExchange>, open: () => Exchange) {
    super(request, observer, pools)
    this.#open = open
  }

  override abort(reason?: unknown): void {
    if (this.#instead === undefined) super.abort()
    else this.#instead.abort(reason)
  }

  override pause(): void {
    this.#paused = true
    if (this.#instead === undefined) super.pause()
    else this.#instead.pause()
  }

  override resume(): void {
    this.#paused = false
    if (this.#instead === undefined) super.resume()
    else this.#instead.resume()
  }

  override hand(connection: Line): Dispatcher.DispatchOptions {
    this.#line = connection
    return super.hand(connection)
  }

  override again(why: Again): void {
    if (why === 'unable' || why === 'downgraded') this.#goElsewhere()
    else super.again(why)
  }

  override onRequestStart(): void {
    throw ELSEWHERE
  }

  override onResponseError(controller: unknown, error: unknown): void {
    if (error !== ELSEWHERE) {
      this.#line = undefined
      super.onResponseError(controller, error)
      return
    }
    if (this.stage !== 'over') this.#goElsewhere()
  }

  #goElsewhere(): void {
    this.#line?.done()
    this.#line = undefined
    this.over()
    this.#instead = this.#open()
    if (this.#paused) this.#instead.pause()
  }
}
