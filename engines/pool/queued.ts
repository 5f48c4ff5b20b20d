/** The half of an exchange that waits for its connection, and for another one when that was closed under it. */
import { Linked, type ConnectedEvent, type HttpError, type HttpRequest } from '../../src/index.ts'
import { notConnected, type ConnectFailure, type ConnectPhase } from '../connector/failure.ts'
import type { Attempt } from './attempt.ts'
import type { Pooled } from './pooled.ts'
import type { PoolSettings } from './settings.ts'
import { tookTooLong, Waiting } from './waiting.ts'

/** How often a request is given another connection because the one it was to go over was closed before. */
const MOST_CLOSED_BEFORE = 5

/** How far a request had come when its connection broke. */
export interface Lost {
  readonly written: boolean
  /** The first byte of an answer was seen. */
  readonly started: boolean
  /** Its connection had served others before. */
  readonly reused: boolean
}

/** Waits with the clocks of its request; what is sent and heard is the affair of the engine. */
export abstract class Queued<Self extends Queued<Self>> extends Linked<Self> implements Pooled<Self> {
  readonly request: HttpRequest
  readonly ticket: number
  attempt: Attempt<Self> | undefined
  abstract readonly pipelinable: boolean
  readonly #settings: PoolSettings
  #waiting: Waiting | undefined
  #queued = 0
  #closedBefore = 0
  #repeated = false

  constructor(request: HttpRequest, ticket: number, settings: PoolSettings) {
    super()
    this.request = request
    this.ticket = ticket
    this.#settings = settings
  }

  abstract fail(error: HttpError): void

  /** True when sending it twice does no harm and can be done. */
  get repeatable(): boolean {
    return this.request.idempotent && this.request.replayable
  }

  get wantsNew(): boolean {
    return this.#closedBefore > 0 || this.#repeated
  }

  wait(): void {
    this.#clock()
  }

  queue(): void {
    this.#waiting?.queue()
  }

  connecting(phase: ConnectPhase): void {
    this.#clock().connect(phase)
  }

  notConnected(failure: ConnectFailure): void {
    this.fail(notConnected(this.request, failure))
  }

  /** The wait is over, one way or the other. */
  waited(): void {
    if (this.#waiting === undefined) return
    this.#queued += this.#waiting.queued
    this.#waiting.stop()
    this.#waiting = undefined
  }

  /** Adds to the news of a connection how long it was waited for. */
  timed(event: ConnectedEvent): ConnectedEvent {
    return this.#queued === 0 ? event : { ...event, queued: this.#queued }
  }

  /**
   * Whether it may go over another connection now, and counts that. A request that was never written is given one. One that
   * went out over a connection which had served others, and was closed without a byte of an answer, is repeated once where
   * that does no harm (RFC 9112 §9.3.1).
   */
  mayRepeat({ written, started, reused }: Lost): boolean {
    if (!written) return ++this.#closedBefore <= MOST_CLOSED_BEFORE
    if (started || !reused || this.#repeated) return false
    return (this.#repeated = this.repeatable)
  }

  #clock(): Waiting {
    this.#waiting ??= new Waiting(this.request, this.#settings, overdue => {
      this.fail(tookTooLong(this.request, overdue))
    })
    return this.#waiting
  }
}
