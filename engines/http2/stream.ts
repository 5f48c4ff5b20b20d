/** One exchange over HTTP/2: what a stream tells becomes events, and it can be ended in every phase. */
import { AsyncResource } from 'node:async_hooks'
import { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import {
  Linked,
  HttpHeaders,
  isHttpError,
  WEB_SOCKET,
  type EventObserver,
  type HttpEvent,
  type HttpRequest,
} from '../../src/index.ts'
import {
  listenerFailed,
  OF_ANOTHER_LENGTH,
  overflowing,
  SOURCE_FAILED,
  stalled,
  truncated,
  unsendable,
} from '../exchange/faults.ts'
import { faultOf, framingOf } from '../exchange/head.ts'
import { adopted, errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import { Upload } from '../exchange/upload.ts'
import { Offer } from '../web-socket/agreement.ts'
import { Conversation, type ConversationOwner } from '../web-socket/conversation.ts'
import type { Carrier } from './carrier.ts'
import { lostWith, resetBy } from './faults.ts'
import { regular, sizeOf } from './fields.ts'
import { listen, listenToBody, stopListening, type StreamListener } from './listening.ts'
import type { Again, Origin } from './origin.ts'
import { leaveStream, openStream, resetStream } from './own-stream.ts'
import { pump, type PumpListener } from './pump.ts'

const { NGHTTP2_CANCEL, NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants

/** How often a request is sent again that no server has looked at. */
const MOST_UNPROCESSED = 5

const MISDIRECTED = 421

const SENT: HttpEvent = { type: 'sent' }

/** Where it stands: not given to a stream, on the wire, being answered, through. */
type Stage = 'waiting' | 'open' | 'answered' | 'over'

/** A request on a stream, or on the next one if the first was refused. */
export class StreamExchange extends Linked<StreamExchange> implements PumpListener, StreamListener, ConversationOwner {
  readonly request: HttpRequest
  readonly #observer: EventObserver
  readonly #origin: Origin
  #stage: Stage = 'waiting'
  #carrier: Carrier | undefined
  #stream: ClientHttp2Stream | undefined
  #upload: Upload | undefined
  #paused = false
  #reused = false
  #mark: number | undefined
  #sentAll = false
  #started = false
  /** The server has ended the stream as it should. */
  #whole = false
  /** The server has said that it has not looked at it. */
  #unwritten = false
  #fault: Error | undefined
  #received = 0
  #expected: number | undefined
  #informational = 0
  #unprocessed = 0
  #repeated = false
  #offer: Offer | undefined
  #conversation: Conversation | undefined

  /** True when the server has said something to it. */
  get started(): boolean {
    return this.#started
  }

  constructor(request: HttpRequest, observer: EventObserver, origin: Origin) {
    super()
    this.request = request
    this.#observer = observer
    this.#origin = origin
  }

  // What the user of the engine does.

  /** Resets the stream, and leaves session and other streams as they are. */
  abort(): void {
    if (this.#stage === 'over') return
    this.#stage = 'over'
    if (this.#conversation === undefined) this.#leave(NGHTTP2_CANCEL)
    else {
      this.#conversation.abort()
      this.#carrier?.done(this)
    }
    this.#origin.over()
  }

  pause(): void {
    this.#paused = true
    if (this.#conversation !== undefined) this.#conversation.pause()
    else if (this.#stage === 'answered') this.#stream?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#conversation !== undefined) {
      this.#conversation.resume()
      return
    }
    if (this.#stage !== 'answered') return
    if (this.#stream?.destroyed === true) this.closed(this.#stream)
    else this.#stream?.resume()
  }

  // What the session does.

  /** A session takes it. */
  ride(carrier: Carrier): void {
    this.#carrier = carrier
    carrier.open(this)
  }

  /** It is this one's turn. */
  start(session: ClientHttp2Session): void {
    const carrier = this.#carrier as Carrier
    const { request } = this
    const { body } = request
    const wish = request.read(WEB_SOCKET)
    if (wish !== undefined && session.remoteSettings.enableConnectProtocol !== true) {
      this.#again('unable')
      return
    }
    this.#offer = wish && new Offer(wish)
    let stream: ClientHttp2Stream
    try {
      stream = openStream(session, request, this.#offer)
    } catch (error) {
      if (session.closed || session.destroyed) this.refused()
      else this.#giveUp(unsendable((error as Error).message), error)
      return
    }
    this.#stage = 'open'
    this.#stream = stream
    listen(stream, this)
    this.#observer.next(this.#origin.timed(carrier.use()))
    this.#reused = carrier.reused
    this.#mark = carrier.mark
    if (this.#isOver()) return
    this.#observer.next(SENT)
    if (this.#isOver()) return
    // What goes over a WebSocket is no body.
    if (body === undefined) this.#sentAll = true
    else this.#send(stream)
  }

  /** The session takes no more streams. Nothing was written. */
  refused(): void {
    if (this.#isOver()) return
    if (!this.#sendAgain('unprocessed')) this.#giveUp(resetBy(NGHTTP2_REFUSED_STREAM, this.#progress))
  }

  /** The session is gone, and the stream has not said that it is too. */
  lost(): void {
    if (this.#isOver()) return
    if (this.#stream === undefined) this.refused()
    else if (this.#conversation === undefined) this.closed(this.#stream)
    else this.#stream.destroy()
  }

  // What the pump tells.

  sentAll(): void {
    this.#sentAll = true
  }

  sourceFailed(error: unknown): void {
    if (this.#isOver()) return
    if (isHttpError(error)) this.#fail(adopted(error, this.#progress))
    else this.#giveUp(SOURCE_FAILED, error)
  }

  // What the stream tells.

  whole(): void {
    this.#whole = true
  }

  failed(error: Error): void {
    this.#fault ??= error
  }

  readAll(): void {
    if (this.#whole && this.#stage === 'answered') this.#complete()
  }

  informed(raw: readonly string[]): void {
    const status = Number(raw[1])
    const fields = regular(raw)
    this.#started = true
    this.#informational++
    const fault = this.#faultOf(status, fields)
    if (fault !== undefined) this.#giveUp(fault)
    else this.#observer.next({ type: 'informational', status, headers: HttpHeaders.received(fields) })
  }

  answered(stream: ClientHttp2Stream, status: number, raw: readonly string[]): void {
    const fields = regular(raw)
    this.#started = true
    const fault = this.#faultOf(status, fields)
    if (fault !== undefined) {
      this.#giveUp(fault)
      return
    }
    if (status === MISDIRECTED && this.#downgrade()) return
    const { request } = this
    if (this.#offer !== undefined && status < 300) {
      this.#agree(stream, status, fields, this.#offer)
      return
    }
    // Nothing more will be said to who refuses a WebSocket.
    if (this.#offer !== undefined) stream.end()
    this.#stage = 'answered'
    const framing = framingOf(fields, request.method, status)
    this.#expected = typeof framing === 'number' ? framing : undefined
    const headers = HttpHeaders.received(fields)
    const head = { status, statusText: '', headers, httpVersion: '2', url: request.url, request } as const
    this.#observer.next({ type: 'head', head, flow: this })
    if (this.#isOver()) return
    listenToBody(stream)
    if (this.#paused) stream.pause()
  }

  took(bytes: Uint8Array): void {
    this.#received += bytes.length
    this.#observer.next({ type: 'chunk', bytes })
  }

  trailed(fields: readonly string[]): void {
    if (sizeOf(fields) > (this.#carrier?.maxHeaderSize ?? Infinity)) this.#giveUp(overflowing(this.#progress))
    else this.#observer.next({ type: 'trailers', headers: HttpHeaders.received(fields) })
  }

  // What becomes of a WebSocket.

  call(work: () => void): void {
    try {
      if (this.#observer instanceof AsyncResource) this.#observer.runInAsyncScope(work)
      else work()
    } catch (cause) {
      if (this.#isOver()) return
      const error = errorOf(listenerFailed(this.#progress), this.#progress, cause)
      this.abort()
      this.#observer.error(error)
    }
  }

  concluded(): void {
    this.#settle(() => {
      this.#observer.complete()
    })
  }

  broken(fault: Fault, cause: unknown): void {
    const h2Code = this.#stream?.rstCode
    const error = errorOf(fault, this.#progress, cause)
    this.#settle(() => {
      this.#observer.error(h2Code === undefined || h2Code === NGHTTP2_NO_ERROR ? error : error.with({ h2Code }))
    })
  }

  sever(): void {
    const stream = this.#stream
    if (stream === undefined || stream.destroyed) return
    if (!stream.closed) resetStream(stream, NGHTTP2_CANCEL)
    stream.resume()
  }

  /** The stream goes its own way: it may have a last word to say. */
  #settle(tell: () => void): void {
    if (this.#isOver()) return
    this.#stage = 'over'
    this.#carrier?.done(this)
    this.#origin.over()
    tell()
  }

  /** The server opens a WebSocket (RFC 8441 §5). */
  #agree(stream: ClientHttp2Stream, status: number, fields: readonly string[], offer: Offer): void {
    const { request } = this
    const agreed = offer.read(fields)
    if ('what' in agreed) {
      this.#giveUp(agreed)
      return
    }
    this.#stage = 'answered'
    stopListening(stream)
    const conversation = new Conversation(stream, agreed, request.read(WEB_SOCKET)?.maxMessage ?? Infinity, this)
    this.#conversation = conversation
    if (this.#paused) conversation.pause()
    const headers = HttpHeaders.received(fields)
    const head = { status, statusText: '', headers, httpVersion: '2', url: request.url, request } as const
    this.#observer.next({ type: 'head', head, flow: conversation, socket: conversation })
  }

  #faultOf(status: number, fields: readonly string[]): Fault | undefined {
    if (sizeOf(fields) > (this.#carrier?.maxHeaderSize ?? Infinity)) return overflowing(this.#progress)
    return faultOf(status, fields, this.#informational)
  }

  /** The stream is gone. What nobody has read yet is still there, and is told before the end, whichever that is. */
  closed(stream: ClientHttp2Stream): void {
    if (this.#stage === 'answered') {
      if (this.#paused && (this.#whole || stream.readableLength > 0)) return
      for (let rest: unknown; !this.#isOver() && (rest = stream.read()) !== null;) this.took(rest as Uint8Array)
      if (this.#isOver()) return
      if (this.#whole) {
        this.#complete()
        return
      }
    }
    this.#broken(stream)
  }

  #broken(stream: ClientHttp2Stream): void {
    const carrier = this.#carrier as Carrier
    const { rstCode, id = 0 } = stream
    const { fault } = carrier
    if (rstCode === NGHTTP2_REFUSED_STREAM || carrier.isUnprocessed(id)) {
      if (!this.#started && this.#sendAgain('unprocessed')) return
      this.#unwritten = true
      this.#giveUp(resetBy(NGHTTP2_REFUSED_STREAM, this.#progress), this.#fault, rstCode)
    } else if (rstCode === NGHTTP2_HTTP_1_1_REQUIRED && this.#downgrade()) return
    else if (!carrier.gone) this.#giveUp(resetBy(rstCode, this.#progress), this.#fault, rstCode)
    else if (!this.#sendAgain('broken'))
      this.#giveUp(
        lostWith(fault ?? this.#fault, carrier.goawayCode, this.#progress),
        fault ?? this.#fault,
        carrier.goawayCode,
      )
  }

  /** Has it sent over HTTP/1.1 if that can be done. */
  #downgrade(): boolean {
    const carrier = this.#carrier
    if (carrier?.downgrade === undefined || !this.#mayOpenAgain) return false
    carrier.downgrade()
    this.#again('downgraded')
    return true
  }

  /**
   * What was never processed is sent again, whatever it is. What went over a session that had served others, and ended
   * without a word since, is repeated once where that does no harm (RFC 9113 §8.7, RFC 9110 §9.2.2).
   */
  #sendAgain(why: 'unprocessed' | 'broken'): boolean {
    if (!this.#mayOpenAgain) return false
    if (why === 'unprocessed') {
      if (++this.#unprocessed > MOST_UNPROCESSED) return false
    } else {
      if (this.#started || this.#mark === undefined || this.#mark !== this.#carrier?.mark) return false
      if (this.#repeated || !this.request.idempotent) return false
      this.#repeated = true
    }
    this.#again(why)
    return true
  }

  /** True when its body can be sent once more, or was not begun. */
  get #mayOpenAgain(): boolean {
    return this.request.replayable || this.#upload === undefined
  }

  #again(why: Again): void {
    this.#leave(NGHTTP2_CANCEL)
    this.#stage = 'waiting'
    this.#carrier = this.#stream = this.#upload = this.#fault = undefined
    this.#reused = this.#sentAll = this.#started = this.#whole = false
    this.#informational = 0
    this.#origin.again(why)
  }

  #send(stream: ClientHttp2Stream): void {
    const upload = Upload.of(this.request, this.#observer, ms => {
      this.#giveUp(stalled(ms))
    })
    if (upload === undefined) {
      stream.end(this.request.body as Uint8Array, () => {
        if (stream.writableFinished) this.sentAll()
      })
      return
    }
    this.#upload = upload
    try {
      upload.open()
    } catch (error) {
      this.sourceFailed(error)
      return
    }
    pump(upload, stream, this)
  }

  #complete(): void {
    if (this.#expected !== undefined && this.#expected !== this.#received) {
      this.#giveUp(this.#received < this.#expected ? truncated(this.#progress) : OF_ANOTHER_LENGTH)
      return
    }
    this.#stage = 'over'
    // The server does not want what is left of the body.
    this.#leave(NGHTTP2_CANCEL)
    this.#origin.over()
    this.#observer.complete()
  }

  #giveUp(fault: Fault, cause?: unknown, h2Code?: number): void {
    const error = errorOf(fault, this.#progress, cause)
    this.#fail(h2Code === undefined || h2Code === NGHTTP2_NO_ERROR ? error : error.with({ h2Code }))
  }

  #fail(error: ReturnType<typeof errorOf>): void {
    if (this.#isOver()) return
    this.#stage = 'over'
    this.#leave(NGHTTP2_CANCEL)
    this.#origin.over()
    this.#observer.error(error)
  }

  /** Lets go of stream, source and session. What the stream still says is not heard. */
  #leave(code: number): void {
    this.#upload?.stop()
    if (this.#stream !== undefined) leaveStream(this.#stream, code)
    this.#carrier?.done(this)
  }

  #isOver(): boolean {
    return this.#stage === 'over'
  }

  get #progress(): Progress {
    return {
      request: this.request,
      written: !this.#unwritten && (this.#stage === 'open' || this.#stage === 'answered'),
      sent: this.#sentAll,
      started: this.#started,
      answered: this.#stage === 'answered',
      received: this.#received,
      expected: this.#expected,
      reused: this.#reused,
      ended: true,
    }
  }
}
