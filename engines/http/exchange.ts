/** One exchange: what Node tells of its request becomes events, and it can be ended in every phase. */
import type { IncomingMessage } from 'node:http'
import {
  HttpHeaders,
  isHttpError,
  type EventObserver,
  type HttpError,
  type HttpEvent,
  type HttpRequest,
} from '../../src/index.ts'
import { listenerFailed, SOURCE_FAILED, stalled, truncated, unsendable } from '../exchange/faults.ts'
import type { Forwarding } from '../exchange/forwarding.ts'
import { faultOf } from '../exchange/head.ts'
import { Http1Exchange } from '../exchange/over-http1.ts'
import { adopted, errorOf, type Fault } from '../exchange/progress.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { Answer, versionFault } from './answer.ts'
import type { Connection } from './connection.ts'
import { failureOf, isUnparsable } from './failure.ts'
import { fieldsFor } from './fields.ts'
import { Sending, type SendingListener } from './sending.ts'
import type { Settings } from './settings.ts'
import { Wire, type Informational, type WireListener } from './wire.ts'

const SENT: HttpEvent = { type: 'sent' }

/** A request on its way. */
export class HttpExchange
  extends Http1Exchange<HttpExchange, Connection, Sending>
  implements PooledExchange<HttpExchange>, WireListener, SendingListener
{
  readonly pipelinable: boolean = false
  readonly #settings: Settings
  #wire: Wire | undefined
  #answer: Answer | undefined
  #unexpecting = false
  /** How it ended while its last bytes were held back. */
  #failing: (() => HttpError) | undefined

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<HttpExchange>, settings: Settings) {
    super(request, observer, pools, settings)
    this.#settings = settings
  }

  // What the user of the engine does.

  abort(): void {
    if (this.stage === 'over') return
    const stage = this.stage
    this.end()
    if (stage === 'waiting') this.pools.poolOf(this.request).leave(this)
    else this.drop()
  }

  pause(): void {
    this.paused = true
    this.#answer?.pause()
  }

  resume(): void {
    this.paused = false
    if (this.#answer?.hasRest === true) queueMicrotask(() => this.#tellRest())
    else this.#answer?.resume()
  }

  // What its connection does.

  /** True when all of its answer has arrived, read or not. */
  get whole(): boolean {
    return this.#answer?.whole === true
  }

  /** A connection takes it. */
  hand(connection: Connection): void {
    this.waited()
    this.stage = 'handed'
    this.connection = connection
  }

  /** Sends it. */
  begin(): void {
    const connection = this.connection as Connection
    if (connection.retiring) {
      this.#lost(undefined)
      return
    }
    const expecting = this.#unexpecting ? undefined : this.#settings.expectContinue
    const sending = new Sending(this.request, this.observer, expecting, this)
    this.sending = sending
    try {
      sending.open()
    } catch (error) {
      this.sourceFailed(error)
      return
    }
    // Whoever hears of the connection may leave.
    if (!this.#tell(this.timed(connection.use()))) return
    this.reused = connection.reused
    try {
      this.#wire = this.#wireFor(connection, sending.waits)
      this.#settings.configure?.(this.#wire)
      if (this.isOn(connection)) sending.prepare(this.#wire)
    } catch (error) {
      this.giveUp(unsendable(error instanceof Error ? error.message : String(error)), error)
    }
  }

  /** Bytes of an answer came. */
  heard(): void {
    this.started = true
  }

  /** The peer broke off. */
  ending(): void {
    this.#answer?.keepRest()
  }

  // What Node does.

  onFlushed(): void {
    if (this.stage !== 'handed') return
    const connection = this.connection as Connection
    if (connection.retiring) {
      this.#lost(undefined)
      return
    }
    this.stage = 'written'
    connection.written()
    if (this.#tell(SENT)) this.sending?.flushed()
  }

  onInformational({ statusCode: status, rawHeaders }: Informational): void {
    if (this.stage === 'over') return
    const fault = faultOf(status, rawHeaders, ++this.informational)
    if (fault !== undefined) this.giveUp(fault)
    else if (this.#tell({ type: 'informational', status, headers: HttpHeaders.received(rawHeaders) }) && status === 100)
      this.sending?.ask()
  }

  onResponse(response: IncomingMessage): void {
    const wire = this.#wire
    if (this.stage === 'over' || wire === undefined) return
    const { rawHeaders: fields, statusCode: status = 0 } = response
    const fault = faultOf(status, fields, this.informational) ?? versionFault(response)
    if (fault !== undefined) {
      this.giveUp(fault)
      return
    }
    // Not the request was refused, but what we added to it, and nothing of its body has left (RFC 9110 §10.1.1).
    if (status === 417 && this.sending?.held === true) {
      this.#unexpecting = true
      this.drop()
      this.requeue(false)
      return
    }
    if (this.forwarding?.refuses(status) === true) {
      this.#hearRefusal(wire, response, this.forwarding)
      return
    }
    const answer = new Answer(wire, response, status)
    this.stage = 'answered'
    this.#answer = answer
    this.sending?.answered()
    this.connection?.answered(fields)
    if (answer.doubtful) this.connection?.retire()
    if (this.paused) answer.pause()
    if (this.#tell({ type: 'head', head: answer.headFor(this.request), flow: this })) answer.read()
  }

  onData(bytes: Buffer): void {
    if (this.stage === 'over') return
    if (this.refusal !== undefined) {
      this.refusal.took(bytes)
      return
    }
    this.#answer?.took(bytes)
    this.#tell({ type: 'chunk', bytes })
  }

  onEnd(): void {
    const answer = this.#answer
    if (this.stage !== 'over' && this.refusal !== undefined) {
      // squid says that it keeps a connection on which it refused a body, and then never reads from it again.
      if (this.request.body === undefined) this.release()
      else this.drop()
      this.refusal.end()
    }
    if (this.stage === 'over' || answer === undefined) return
    const connection = this.release()
    if (!answer.sound) {
      this.settle(errorOf(truncated(this.progress(connection)), this.progress(connection), connection?.fault))
      return
    }
    const { trailers } = answer
    if (trailers.length > 0 && !this.#tell({ type: 'trailers', headers: HttpHeaders.received(trailers) })) return
    this.end()
    this.observer.complete()
  }

  onError(error: Error): void {
    // What happens to the connection behind the last byte of an answer does not change that.
    if (this.stage === 'over' || this.whole) return
    if (this.refusal === undefined) this.#lost(error)
    else this.refusal.end()
  }

  onClosed(): void {
    if (this.stage === 'over' || this.whole) return
    if (this.refusal !== undefined) {
      this.refusal.end()
      return
    }
    // Node says nothing of an upgrade for which it was not told to wait.
    if (this.stage === 'written' && this.#wire?.res?.upgrade === true) this.giveUp(faultOf(101, [], 0) as Fault)
    else this.#lost(undefined)
  }

  // What the body does.

  sentAll(): void {
    this.allSent = true
  }

  stalled(ms: number): void {
    this.giveUp(stalled(ms))
  }

  sourceFailed(error: unknown): void {
    const progress = this.progress(this.connection)
    this.fail(isHttpError(error) ? adopted(error, progress) : errorOf(SOURCE_FAILED, progress, error))
  }

  protected get received(): number {
    return this.#answer?.received ?? 0
  }
  protected get expected(): number | undefined {
    return this.#answer?.expected
  }

  #wireFor(connection: Connection, waits: boolean): Wire {
    if (connection.forwarded !== undefined) this.forward(connection.forwarded)
    const { request, forwarding } = this
    const { maxHeaderSize, tolerant } = this.#settings
    const headers = fieldsFor(request, connection, forwarding, waits)
    connection.lend()
    return new Wire(this, connection.handOver, {
      target: connection.target,
      method: request.method,
      path: forwarding?.target ?? request.target,
      headers,
      maxHeaderSize,
      tolerant,
    })
  }

  /** The proxy says no: what it has to say is read, and then decided on. */
  #hearRefusal(wire: Wire, response: IncomingMessage, forwarding: Forwarding): void {
    const { rawHeaders: fields, statusCode: status = 0, statusMessage: statusText = '', httpVersion } = response
    this.sending?.answered()
    this.refuse({ httpVersion: httpVersion === '1.0' ? '1.0' : '1.1', status, statusText, fields }, forwarding)
    wire.read(response)
  }

  /** Tells of an event. False when the exchange is over then. */
  #tell(event: HttpEvent): boolean {
    try {
      this.observer.next(event)
    } catch (error) {
      this.giveUp(listenerFailed(this.progress(this.connection)), error)
    }
    return this.stage !== 'over'
  }

  protected drop(): Connection | undefined {
    const connection = this.connection
    if (this.#wire !== undefined) {
      connection?.destroy()
      this.#wire.leave()
    }
    return this.release()
  }

  /** The connection broke, or what came over it makes no sense. */
  #lost(error: Error | undefined): void {
    this.#answer?.keepRest()
    const connection = this.drop()
    connection?.destroy()
    if (!isUnparsable(error) && this.mayRepeat(this.progress(connection))) this.requeue(true)
    else {
      this.#failing = () => failureOf(error, connection?.fault, this.progress(connection))
      this.#tellRest()
    }
  }

  /** The last bytes of a body that was cut off, when who is slow can take them, and then the failure. */
  #tellRest(): void {
    if (this.stage === 'over' || this.#failing === undefined) return
    if (this.#answer?.hasRest === true) {
      if (this.paused) return
      const bytes = this.#answer.takeRest()
      this.#answer.took(bytes)
      if (!this.#tell({ type: 'chunk', bytes })) return
    }
    this.settle(this.#failing())
  }

  protected override requeue(closed: boolean): void {
    this.#wire = undefined
    super.requeue(closed)
  }
}
