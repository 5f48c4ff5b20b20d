/** One exchange: what undici tells of it becomes events, and it can be ended in every phase. */
import type { Dispatcher } from 'undici'
import { HttpHeaders, type EventObserver, type HttpError, type HttpEvent, type HttpRequest } from '../../src/index.ts'
import type { Refusal, Refused } from '../connector/proxy/refusal.ts'
import { stalled } from '../exchange/faults.ts'
import { Forwarding } from '../exchange/forwarding.ts'
import { faultOf, framingOf, type Framing } from '../exchange/head.ts'
import { errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import { Upload } from '../exchange/upload.ts'
import type { Carrier, Rider } from '../http2/carrier.ts'
import { StreamExchange, type Again, type Origin } from '../http2/stream.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { Queued } from '../pool/queued.ts'
import { failureOf, isBroken } from './failure.ts'
import { fieldsOf } from './head.ts'
import type { Line } from './line.ts'
import { Wanted } from './wanted.ts'

const SENT: HttpEvent = { type: 'sent' }

/** Makes undici pass over a request that was left before it was written, and keep the connection. */
const LEFT: Error = new Error('The request was left.')

/** Where an exchange stands: in a queue, given to a connection, on the wire, being answered, through. */
type Stage = 'waiting' | 'handed' | 'written' | 'answered' | 'over'

/** A request on its way: undici's handler and the engine's exchange in one object, so that a small GET allocates little else. */
export class UndiciExchange
  extends Queued<UndiciExchange>
  implements PooledExchange<UndiciExchange>, Dispatcher.DispatchHandler, Rider, Origin
{
  readonly #observer: EventObserver
  readonly #pools: Pools<UndiciExchange>
  #stage: Stage = 'waiting'
  #connection: Line | undefined
  #controller: Dispatcher.DispatchController | undefined
  #upload: Upload | undefined
  #paused = false
  #reused = false
  #sent = false
  #sentAll = false
  #started = false
  #framing: Framing = 0
  #received = 0
  #informational = 0
  /** The server wants it over HTTP/1.1. */
  #onHttp1 = false
  /** Where a proxy is asked in place of the server. */
  #forwarding: Forwarding | undefined
  /** The proxy said no, and goes on talking. */
  #refusal: Refusal | undefined
  /** Does all the work where the server speaks HTTP/2. */
  #stream: StreamExchange | undefined

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<UndiciExchange>) {
    super(request, pools.nextTicket(), pools.settings)
    this.#observer = observer
    this.#pools = pools
  }

  // What the user of the engine does.

  abort(): void {
    if (this.#stage === 'over') return
    const stage = this.#stage
    if (this.#stream === undefined) this.#end()
    else this.#stream.abort()
    if (stage === 'waiting') this.#pools.poolOf(this.request).leave(this)
    // undici will pass it over; until then the connection can take the next one.
    else if (stage === 'handed') this.#release()
    else {
      this.#connection?.retire()
      this.#controller?.abort(LEFT)
    }
  }

  pause(): void {
    this.#paused = true
    this.#stream?.pause()
    // After the last byte nothing is held back, and a peer that closes then must not look like one that broke off.
    if (this.#received !== this.#framing) this.#controller?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#stream?.resume()
    // undici's parser cannot go on with one answer while it is in the middle of another.
    queueMicrotask(() => {
      if (!this.#paused && this.#stage === 'answered') this.#controller?.resume()
    })
  }

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.#stage === 'over') return
    this.abort()
    this.#observer.error(error)
  }

  // What the pool does.

  /** True when it may be sent behind another request that is not answered yet. */
  get pipelinable(): boolean {
    const { body, method } = this.request
    return body === undefined && (method === 'GET' || method === 'HEAD')
  }

  override get wantsNew(): boolean {
    return this.#onHttp1 || super.wantsNew
  }

  /** True once it is through. */
  protected get isOver(): boolean {
    return this.#stage === 'over'
  }

  isOn(connection: Line): boolean {
    return this.#connection === connection
  }

  /** A connection takes it; answers with what undici is to send. */
  hand(connection: Line): Dispatcher.DispatchOptions {
    this.waited()
    this.#stage = 'handed'
    this.#stream = undefined
    this.#connection = connection
    const { request } = this
    const pipelined = this.#pools.settings.pipelining > 1 && this.pipelinable
    if (connection.forwarded !== undefined) this.#forwarding ??= new Forwarding(request, connection.forwarded)
    return new Wanted(
      request,
      request.body === undefined ? null : this.#given(request.body),
      pipelined,
      this.#forwarding,
    )
  }

  // What becomes of it where the server speaks HTTP/2.

  ride(carrier: Carrier): void {
    this.waited()
    this.#stage = 'handed'
    this.#stream ??= new StreamExchange(this.request, this.#observer, this)
    if (this.#paused) this.#stream.pause()
    this.#stream.ride(carrier)
  }

  again(why: Again): void {
    this.#onHttp1 ||= why === 'downgraded'
    this.#stage = 'waiting'
    this.#pools.poolOf(this.request).readmit(this, why !== 'unprocessed')
  }

  over(): void {
    this.#end()
  }

  // What undici does.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#stage === 'over') throw LEFT
    const connection = this.#connection as Line
    this.#controller = controller
    this.#upload?.open()
    this.#observer.next(this.timed(connection.use()))
    // Whoever heard of the connection may have left.
    if ((this.#stage as Stage) === 'over') throw LEFT
    this.#reused = connection.reused
    this.#stage = 'written'
  }

  onBodySent(chunk: Uint8Array): void {
    this.#tellSent()
    this.#upload?.took(chunk.length)
  }

  onRequestSent(): void {
    this.#sentAll = true
    this.#tellSent()
    this.#upload?.tookAll()
  }

  onResponseStarted(): void {
    this.#started = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, statusText = ''): void {
    if (this.#stage === 'over') return
    const { request } = this
    const fields = fieldsOf(controller.rawHeaders)
    // Each is a view of the chunk in which the head arrived, and undici holds on to them until the exchange ends.
    if (this.#connection?.overheard === false && Array.isArray(controller.rawHeaders)) controller.rawHeaders.length = 0
    if (status < 200) this.#informational++
    const fault = faultOf(status, fields, this.#informational)
    if (fault !== undefined) {
      this.#giveUp(fault)
      return
    }
    if (this.#forwarding?.refuses(status) === true) {
      const head = { httpVersion: '1.1', status, statusText, fields } as const
      this.#refusal = this.#forwarding.read(head, refused => {
        void this.#refused(refused)
      })
      return
    }
    const headers = HttpHeaders.received(fields)
    if (status < 200) {
      this.#observer.next({ type: 'informational', status, headers })
      return
    }
    this.#stage = 'answered'
    this.#framing = framingOf(fields, request.method, status)
    if (this.#paused && this.#framing !== 0) controller.pause()
    const head = { status, statusText, headers, httpVersion: '1.1', url: request.url, request } as const
    this.#observer.next({ type: 'head', head, flow: this })
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    // When undici goes on with an answer that was held back it may tell of nothing first.
    if (this.#stage === 'over' || bytes.length === 0) return
    if (this.#refusal !== undefined) {
      this.#refusal.took(bytes)
      return
    }
    this.#received += bytes.length
    this.#observer.next({ type: 'chunk', bytes })
    if (this.#received === this.#framing && controller.paused) controller.resume()
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    // squid says that it keeps a connection on which it refused a body, and then never reads from it again.
    if (this.#refusal !== undefined && this.request.body !== undefined) this.#connection?.destroy()
    const connection = this.#release()
    if (this.#stage === 'over') return
    if (this.#refusal !== undefined) {
      this.#refusal.end()
      return
    }
    // Without a length only a regular end of the connection says that all is there.
    if (this.#framing === 'close' && connection?.fault !== undefined) {
      this.#settle(failureOf(connection.fault, this.#progress(connection)))
      return
    }
    const trailers = fieldsOf(rawTrailers)
    if (trailers.length > 0) this.#observer.next({ type: 'trailers', headers: HttpHeaders.received(trailers) })
    if ((this.#stage as Stage) === 'over') return
    this.#end()
    this.#observer.complete()
  }

  onResponseError(_: unknown, error: unknown): void {
    const connection = this.#release()
    if (this.#stage === 'over') return
    if (this.#stage !== 'handed') connection?.retire()
    if (this.#refusal !== undefined) {
      this.#refusal.end()
      return
    }
    if (isBroken(error) && this.mayRepeat(this.#progress(connection))) this.#again()
    else this.#settle(failureOf(isBroken(error) ? (connection?.fault ?? error) : error, this.#progress(connection)))
  }

  /** Gives the connection back. It is asked to settle even if it is closed, so that the pool counts right. */
  #release(): Line | undefined {
    const connection = this.#connection
    this.#connection = undefined
    connection?.done()
    return connection
  }

  #end(): void {
    this.#stage = 'over'
    this.waited()
    this.#upload?.stop()
    this.#refusal?.stop()
    this.#pools.ended(this)
  }

  #settle(error: HttpError): void {
    this.#end()
    this.#observer.error(error)
  }

  #giveUp(fault: Fault): void {
    this.fail(errorOf(fault, this.#progress(this.#connection)))
  }

  /** The body as undici is to have it: bytes as they are, unless somebody watches them go. */
  #given(body: NonNullable<HttpRequest['body']>): Uint8Array | Upload {
    this.#upload = Upload.of(this.request, this.#observer, ms => {
      this.#giveUp(stalled(ms))
    })
    return this.#upload?.given ?? (body as Uint8Array)
  }

  #tellSent(): void {
    if (this.#sent || this.#stage === 'over') return
    this.#sent = true
    this.#observer.next(SENT)
  }

  /** The proxy has said all that is worth hearing. */
  async #refused(refused: Refused): Promise<void> {
    if (this.#stage === 'over' || this.#forwarding === undefined) return
    // Of a connection on which more is to come nothing can be used any more.
    if (this.#connection !== undefined) {
      this.#connection.retire()
      this.#controller?.abort(LEFT)
      this.#release()
    }
    this.#upload?.stop()
    this.#stage = 'waiting'
    const error = await this.#forwarding.decide(refused)
    if ((this.#stage as Stage) === 'over') return
    if (error === undefined) this.#again(false)
    else this.#settle(error)
  }

  /** Waits for another connection; `closed` when its last one was closed under it, as those beside it may have been. */
  #again(closed = true): void {
    this.#upload?.stop()
    this.#upload = this.#controller = this.#refusal = undefined
    this.#stage = 'waiting'
    this.#sent = this.#sentAll = this.#reused = this.#started = false
    this.#informational = 0
    this.#pools.poolOf(this.request).readmit(this, closed)
  }

  #progress(connection: Line | undefined): Progress {
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
