/** One exchange: what undici tells of it becomes events, and it can be ended in every phase. */
import type { Dispatcher } from 'undici'
import { HttpHeaders, type EventObserver, type HttpEvent, type HttpRequest } from '../../src/index.ts'
import { stalled } from '../exchange/faults.ts'
import { faultOf, framingOf, type Framing } from '../exchange/head.ts'
import { Http1Exchange, type Stage } from '../exchange/over-http1.ts'
import { Upload } from '../exchange/upload.ts'
import type { Carrier, Rider } from '../http2/carrier.ts'
import type { Again, Origin } from '../http2/origin.ts'
import { StreamExchange } from '../http2/stream.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { failureOf, isBroken } from './failure.ts'
import { fieldsOf } from './head.ts'
import type { Line } from './line.ts'
import { Wanted } from './wanted.ts'

const SENT: HttpEvent = { type: 'sent' }

/** Makes undici pass over a request that was left before it was written, and keep the connection. */
const LEFT: Error = new Error('The request was left.')

/** A request on its way: undici's handler and the engine's exchange in one object, so that a small GET allocates little else. */
export class UndiciExchange
  extends Http1Exchange<UndiciExchange, Line, Upload>
  implements PooledExchange<UndiciExchange>, Dispatcher.DispatchHandler, Rider, Origin
{
  protected received = 0
  #controller: Dispatcher.DispatchController | undefined
  #sent = false
  #framing: Framing = 0
  /** The server wants it over HTTP/1.1. */
  #onHttp1 = false
  /** Does all the work where the server speaks HTTP/2. */
  #stream: StreamExchange | undefined

  constructor(request: HttpRequest, observer: EventObserver, pools: Pools<UndiciExchange>) {
    super(request, observer, pools, pools.settings)
  }

  // What the user of the engine does.

  abort(): void {
    if (this.stage === 'over') return
    const stage = this.stage
    if (this.#stream === undefined) this.end()
    else this.#stream.abort()
    if (stage === 'waiting') this.pools.poolOf(this.request).leave(this)
    // undici will pass it over; until then the connection can take the next one.
    else if (stage === 'handed') this.release()
    else {
      this.connection?.retire()
      this.#controller?.abort(LEFT)
    }
  }

  pause(): void {
    this.paused = true
    this.#stream?.pause()
    // After the last byte nothing is held back, and a peer that closes then must not look like one that broke off.
    if (this.received !== this.#framing) this.#controller?.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.#stream?.resume()
    // undici's parser cannot go on with one answer while it is in the middle of another.
    queueMicrotask(() => {
      if (!this.paused && this.stage === 'answered') this.#controller?.resume()
    })
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

  /** A connection takes it; answers with what undici is to send. */
  hand(connection: Line): Dispatcher.DispatchOptions {
    this.waited()
    this.stage = 'handed'
    this.#stream = undefined
    this.connection = connection
    const { request } = this
    const pipelined = this.pools.settings.pipelining > 1 && this.pipelinable
    if (connection.forwarded !== undefined) this.forward(connection.forwarded)
    return new Wanted(
      request,
      request.body === undefined ? null : this.#given(request.body),
      pipelined,
      this.forwarding,
    )
  }

  // What becomes of it where the server speaks HTTP/2.

  ride(carrier: Carrier): void {
    this.waited()
    this.stage = 'handed'
    this.#stream ??= new StreamExchange(this.request, this.observer, this)
    if (this.paused) this.#stream.pause()
    this.#stream.ride(carrier)
  }

  again(why: Again): void {
    this.#onHttp1 ||= why === 'downgraded'
    this.stage = 'waiting'
    this.pools.poolOf(this.request).readmit(this, why !== 'unprocessed')
  }

  over(): void {
    this.end()
  }

  // What undici does.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.stage === 'over') throw LEFT
    const connection = this.connection as Line
    this.#controller = controller
    this.sending?.open()
    this.observer.next(this.timed(connection.use()))
    // Whoever heard of the connection may have left.
    if ((this.stage as Stage) === 'over') throw LEFT
    this.reused = connection.reused
    this.stage = 'written'
  }

  onBodySent(chunk: Uint8Array): void {
    this.#tellSent()
    this.sending?.took(chunk.length)
  }

  onRequestSent(): void {
    this.allSent = true
    this.#tellSent()
    this.sending?.tookAll()
  }

  onResponseStarted(): void {
    this.started = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, statusText = ''): void {
    if (this.stage === 'over') return
    const { request } = this
    const fields = fieldsOf(controller.rawHeaders)
    // Each is a view of the chunk in which the head arrived, and undici holds on to them until the exchange ends.
    if (this.connection?.overheard === false && Array.isArray(controller.rawHeaders)) controller.rawHeaders.length = 0
    if (status < 200) this.informational++
    const fault = faultOf(status, fields, this.informational)
    if (fault !== undefined) {
      this.giveUp(fault)
      return
    }
    if (this.forwarding?.refuses(status) === true) {
      this.refuse({ httpVersion: '1.1', status, statusText, fields }, this.forwarding)
      return
    }
    const headers = HttpHeaders.received(fields)
    if (status < 200) {
      this.observer.next({ type: 'informational', status, headers })
      return
    }
    this.stage = 'answered'
    this.#framing = framingOf(fields, request.method, status)
    if (this.paused && this.#framing !== 0) controller.pause()
    const head = { status, statusText, headers, httpVersion: '1.1', url: request.url, request } as const
    this.observer.next({ type: 'head', head, flow: this })
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    // When undici goes on with an answer that was held back it may tell of nothing first.
    if (this.stage === 'over' || bytes.length === 0) return
    if (this.refusal !== undefined) {
      this.refusal.took(bytes)
      return
    }
    this.received += bytes.length
    this.observer.next({ type: 'chunk', bytes })
    if (this.received === this.#framing && controller.paused) controller.resume()
  }

  onResponseEnd({ rawTrailers }: Dispatcher.DispatchController): void {
    // squid says that it keeps a connection on which it refused a body, and then never reads from it again.
    if (this.refusal !== undefined && this.request.body !== undefined) this.connection?.destroy()
    const connection = this.release()
    if (this.stage === 'over') return
    if (this.refusal !== undefined) {
      this.refusal.end()
      return
    }
    // Without a length only a regular end of the connection says that all is there.
    if (this.#framing === 'close' && connection?.fault !== undefined) {
      this.settle(failureOf(connection.fault, this.progress(connection)))
      return
    }
    const trailers = fieldsOf(rawTrailers)
    if (trailers.length > 0) this.observer.next({ type: 'trailers', headers: HttpHeaders.received(trailers) })
    if ((this.stage as Stage) === 'over') return
    this.end()
    this.observer.complete()
  }

  onResponseError(_: unknown, error: unknown): void {
    const connection = this.release()
    if (this.stage === 'over') return
    if (this.stage !== 'handed') connection?.retire()
    if (this.refusal !== undefined) {
      this.refusal.end()
      return
    }
    if (isBroken(error) && this.mayRepeat(this.progress(connection))) this.requeue(true)
    else this.settle(failureOf(isBroken(error) ? (connection?.fault ?? error) : error, this.progress(connection)))
  }

  /** The body as undici is to have it: bytes as they are, unless somebody watches them go. */
  #given(body: NonNullable<HttpRequest['body']>): Uint8Array | Upload {
    this.sending = Upload.of(this.request, this.observer, ms => {
      this.giveUp(stalled(ms))
    })
    return this.sending?.given ?? (body as Uint8Array)
  }

  #tellSent(): void {
    if (this.#sent || this.stage === 'over') return
    this.#sent = true
    this.observer.next(SENT)
  }

  /** The bytes its body is to have, if that was announced. */
  protected get expected(): number | undefined {
    return typeof this.#framing === 'number' ? this.#framing : undefined
  }

  protected drop(): Line | undefined {
    this.connection?.retire()
    this.#controller?.abort(LEFT)
    return this.release()
  }

  protected override requeue(closed: boolean): void {
    this.#controller = undefined
    this.#sent = false
    super.requeue(closed)
  }
}
