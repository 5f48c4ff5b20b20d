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
import { notConnected, type ConnectFailure, type ConnectPhase } from '../connector/failure.ts'
import { listenerFailed, SOURCE_FAILED, stalled, truncated, unsendable } from '../exchange/faults.ts'
import { faultOf, framingOf, type Framing } from '../exchange/head.ts'
import { adopted, errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import type { Attempt } from '../pool/attempt.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { tookTooLong, Waiting } from '../pool/waiting.ts'
import type { Connection } from './connection.ts'
import { failureOf, isUnparsable } from './failure.ts'
import { Sending, type SendingListener } from './sending.ts'
import type { Settings } from './settings.ts'
import { Wire, type Informational, type WireListener } from './wire.ts'

/** How often a request is given another connection because the one it was to go over was closed before. */
const MOST_CLOSED_BEFORE = 5

const SENT: HttpEvent = { type: 'sent' }

/** Where an exchange stands: in a queue, given to a connection, on the wire, being answered, through. */
type Stage = 'waiting' | 'handed' | 'written' | 'answered' | 'over'

/** A request on its way. */
export class HttpExchange implements PooledExchange<HttpExchange>, WireListener, SendingListener {
  readonly request: HttpRequest
  readonly pipelinable: boolean = false
  /** The connection that is being made for it. */
  attempt: Attempt<HttpExchange> | undefined
  /** Tells who came first. */
  readonly ticket: number
  readonly #observer: EventObserver
  readonly #pools: Pools<HttpExchange>
  readonly #settings: Settings
  #stage: Stage = 'waiting'
  #waiting: Waiting | undefined
  #connection: Connection | undefined
  #wire: Wire | undefined
  #sending: Sending | undefined
  #response: IncomingMessage | undefined
  #paused = false
  #reused = false
  #sentAll = false
  #started = false
  #framing: Framing = 0
  #received = 0
  #informational = 0
  #closedBefore = 0
  #repeated = false
  #unexpecting = false
  /** What was held back when the peer broke off, and the connection that ended with it. */
  #rest: Buffer | undefined
  #ended: Connection | undefined

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<HttpExchange>, settings: Settings) {
    this.request = request
    this.ticket = pools.nextTicket()
    this.#observer = observer
    this.#pools = pools
    this.#settings = settings
  }

  // What the user of the engine does.

  abort(): void {
    if (this.#stage === 'over') return
    const stage = this.#stage
    this.#end()
    if (stage === 'waiting') this.#pools.poolOf(this.request.origin).leave(this)
    else this.#drop()
  }

  pause(): void {
    this.#paused = true
    // After the last byte nothing is held back, and the end is told.
    if (this.#received !== this.#framing) this.#response?.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#rest === undefined) this.#response?.resume()
    else queueMicrotask(() => this.#tellRest())
  }

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.#stage === 'over') return
    this.abort()
    this.#observer.error(error)
  }

  // What the pool does.

  /** True when sending it twice does no harm and can be done. */
  get repeatable(): boolean {
    return this.request.idempotent && this.request.replayable
  }

  get wantsNew(): boolean {
    return this.#closedBefore > 0 || this.#repeated
  }

  wait(): Waiting {
    this.#waiting ??= new Waiting(this.request, this.#settings, overdue => {
      this.fail(tookTooLong(this.request, overdue))
    })
    return this.#waiting
  }

  queue(): void {
    this.#waiting?.queue()
  }

  connecting(phase: ConnectPhase): void {
    this.wait().connect(phase)
  }

  notConnected(failure: ConnectFailure): void {
    this.fail(notConnected(this.request, failure))
  }

  // What its connection does.

  /** True when all of its answer has arrived, read or not. */
  get whole(): boolean {
    return this.#response?.complete === true
  }

  isOn(connection: Connection): boolean {
    return this.#connection === connection
  }

  /** A connection takes it. */
  hand(connection: Connection): void {
    this.#waiting?.stop()
    this.#waiting = undefined
    this.#stage = 'handed'
    this.#connection = connection
  }

  /** Sends it. */
  begin(): void {
    const connection = this.#connection as Connection
    if (connection.retiring) {
      this.#lost(undefined)
      return
    }
    const expecting = this.#unexpecting ? undefined : this.#settings.expectContinue
    const sending = new Sending(this.request, this.#observer, expecting, this)
    this.#sending = sending
    try {
      sending.open()
    } catch (error) {
      this.sourceFailed(error)
      return
    }
    // Whoever hears of the connection may leave.
    if (!this.#tell(connection.use())) return
    this.#reused = connection.reused
    try {
      this.#wire = this.#wireFor(connection, sending.waits)
      this.#settings.configure?.(this.#wire)
      sending.prepare(this.#wire)
    } catch (error) {
      this.#giveUp(unsendable(error instanceof Error ? error.message : String(error)), error)
    }
  }

  /** Bytes of an answer came. */
  heard(): void {
    this.#started = true
  }

  /** The peer has ended its side: Node is about to throw away what was held back of a body that is not whole. */
  ending(): void {
    const response = this.#response
    if (response === undefined || !this.#paused || this.whole || this.#framing === 'close') return
    this.#rest = this.#wire?.rest(response) ?? undefined
  }

  // What Node does.

  onFlushed(): void {
    if (this.#stage !== 'handed') return
    const connection = this.#connection as Connection
    if (connection.retiring) {
      this.#lost(undefined)
      return
    }
    this.#stage = 'written'
    connection.written()
    if (this.#tell(SENT)) this.#sending?.flushed()
  }

  onInformational({ statusCode: status, rawHeaders }: Informational): void {
    if (this.#stage === 'over') return
    const fault = faultOf(status, rawHeaders, ++this.#informational)
    if (fault !== undefined) this.#giveUp(fault)
    else if (this.#tell({ type: 'informational', status, headers: HttpHeaders.received(rawHeaders) }) && status === 100)
      this.#sending?.ask()
  }

  onResponse(response: IncomingMessage): void {
    if (this.#stage === 'over') return
    const { request } = this
    const { rawHeaders: fields, statusCode: status = 0, statusMessage: statusText = '' } = response
    const fault = faultOf(status, fields, this.#informational) ?? versionFault(response)
    if (fault !== undefined) {
      this.#giveUp(fault)
      return
    }
    // Not the request was refused, but what we added to it, and nothing of its body has left (RFC 9110 §10.1.1).
    if (status === 417 && this.#sending?.held === true) {
      this.#unexpecting = true
      this.#drop()
      this.#again()
      return
    }
    this.#stage = 'answered'
    this.#response = response
    this.#framing = framingOf(fields, request.method, status)
    this.#sending?.answered()
    const httpVersion = response.httpVersion === '1.0' ? '1.0' : '1.1'
    this.#connection?.answered(fields)
    // Such a message may have been put together by somebody who did not understand it (RFC 9112 §6.1).
    if (httpVersion === '1.0' && this.#framing === 'chunked') this.#connection?.retire()
    if (this.#paused && this.#framing !== 0) response.pause()
    const head = {
      status,
      statusText,
      headers: HttpHeaders.received(fields),
      httpVersion,
      url: request.url,
      request,
    } as const
    if (this.#tell({ type: 'head', head, flow: this })) this.#wire?.read(response)
  }

  onData(bytes: Buffer): void {
    if (this.#stage === 'over') return
    this.#received += bytes.length
    if (this.#tell({ type: 'chunk', bytes }) && this.#paused && this.#received === this.#framing)
      this.#response?.resume()
  }

  onEnd(): void {
    if (this.#stage === 'over') return
    const connection = this.#release()
    if (!this.whole || (typeof this.#framing === 'number' && this.#received !== this.#framing)) {
      this.#settle(errorOf(truncated(this.#progress(connection)), this.#progress(connection), connection?.fault))
      return
    }
    const trailers = this.#response?.rawTrailers ?? []
    if (trailers.length > 0 && !this.#tell({ type: 'trailers', headers: HttpHeaders.received(trailers) })) return
    this.#end()
    this.#observer.complete()
  }

  onError(error: Error): void {
    // What happens to the connection behind the last byte of an answer does not change that.
    if (this.#stage !== 'over' && !this.whole) this.#lost(error)
  }

  onClosed(): void {
    if (this.#stage === 'over' || this.whole) return
    // Node says nothing of an upgrade for which it was not told to wait.
    if (this.#stage === 'written' && this.#wire?.res?.upgrade === true) this.#giveUp(faultOf(101, [], 0))
    else this.#lost(undefined)
  }

  // What the body does.

  sentAll(): void {
    this.#sentAll = true
  }

  stalled(ms: number): void {
    this.#giveUp(stalled(ms))
  }

  sourceFailed(error: unknown): void {
    const progress = this.#progress(this.#connection)
    this.fail(isHttpError(error) ? adopted(error, progress) : errorOf(SOURCE_FAILED, progress, error))
  }

  #wireFor(connection: Connection, waits: boolean): Wire {
    const { method, target: path, headers: given, body } = this.request
    const kept = connection.handOver.keepAlive ? 'keep-alive' : 'close'
    const headers = ['Host', connection.authority, 'Connection', kept, ...given.flat]
    if (body !== undefined && body.length === undefined && !given.has('content-length'))
      headers.push('Transfer-Encoding', 'chunked')
    if (waits) headers.push('Expect', '100-continue')
    const { maxHeaderSize, tolerant } = this.#settings
    connection.lend()
    return new Wire(this, connection.handOver, {
      target: connection.target,
      method,
      path,
      headers,
      maxHeaderSize,
      tolerant,
    })
  }

  /** Tells of an event. False when the exchange is over then. */
  #tell(event: HttpEvent): boolean {
    try {
      this.#observer.next(event)
    } catch (error) {
      this.#giveUp(listenerFailed(this.#progress(this.#connection)), error)
    }
    return this.#stage !== 'over'
  }

  /** Gives the connection back. It is asked to settle even if it is closed, so that the pool counts right. */
  #release(): Connection | undefined {
    const connection = this.#connection
    this.#connection = undefined
    connection?.done()
    return connection
  }

  /** Leaves the connection; of one that has begun to write nothing can be used any more. */
  #drop(): Connection | undefined {
    const connection = this.#connection
    if (this.#wire !== undefined) {
      connection?.destroy()
      this.#wire.leave()
    }
    return this.#release()
  }

  #end(): void {
    this.#stage = 'over'
    this.#waiting?.stop()
    this.#sending?.stop()
    this.#pools.ended(this)
  }

  #settle(error: HttpError): void {
    this.#end()
    this.#observer.error(error)
  }

  #giveUp(fault: Fault | undefined, cause?: unknown): void {
    if (fault !== undefined) this.fail(errorOf(fault, this.#progress(this.#connection), cause))
  }

  /** The connection broke, or what came over it makes no sense. */
  #lost(error: Error | undefined): void {
    const connection = this.#drop()
    connection?.destroy()
    if (this.#mayRepeat(error)) this.#again()
    else if (this.#rest === undefined) this.#settle(failureOf(error, connection?.fault, this.#progress(connection)))
    else this.#ended = connection
  }

  /** The last bytes of a body that was cut off, for whoever is slow to take them, and then the failure. */
  #tellRest(): void {
    const bytes = this.#rest
    const connection = this.#ended
    if (this.#paused || bytes === undefined || this.#stage === 'over') return
    this.#rest = undefined
    this.#received += bytes.length
    if (!this.#tell({ type: 'chunk', bytes }) || connection === undefined) return
    this.#settle(failureOf(undefined, connection.fault, this.#progress(connection)))
  }

  /**
   * A request that was never written is given another connection. One that went out over a connection which had served
   * others, and was closed without a byte of an answer, is repeated once where that does no harm (RFC 9112 §9.3.1).
   */
  #mayRepeat(error: Error | undefined): boolean {
    if (isUnparsable(error)) return false
    if (this.#stage === 'handed') return ++this.#closedBefore <= MOST_CLOSED_BEFORE
    if (this.#stage !== 'written' || this.#started || !this.#reused || this.#repeated) return false
    return (this.#repeated = this.repeatable)
  }

  #again(): void {
    this.#sending?.stop()
    this.#sending = this.#wire = undefined
    this.#stage = 'waiting'
    this.#sentAll = this.#reused = this.#started = false
    this.#informational = 0
    this.#pools.poolOf(this.request.origin).readmit(this)
  }

  #progress(connection: Connection | undefined): Progress {
    return {
      request: this.request,
      written: this.#stage === 'written' || this.#stage === 'answered',
      sent: this.#sentAll,
      started: this.#started,
      answered: this.#stage === 'answered',
      received: this.#received,
      expected: typeof this.#framing === 'number' ? this.#framing : undefined,
      reused: this.#reused,
      ended: connection?.ended ?? false,
    }
  }
}

/** The parser lets pass versions of which there are no messages in this form. */
function versionFault({ httpVersion }: IncomingMessage): Fault | undefined {
  if (httpVersion === '1.1' || httpVersion === '1.0') return undefined
  const what = `was answered in HTTP/${httpVersion} over a connection for HTTP/1.1`
  return { code: 'PROTOCOL', phase: 'headers', what }
}
