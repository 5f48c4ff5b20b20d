/** One WebSocket over a connection of its own: the handshake, and the conversation or the answer that comes of it. */
import { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import {
  HttpHeaders,
  type EventObserver,
  type HttpError,
  type HttpEvent,
  type HttpRequest,
  type WebSocketWish,
} from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import { brokenOff, listenerFailed, overflowing, truncated, unreadable, unsendable } from '../exchange/faults.ts'
import { faultOf, framingOf } from '../exchange/head.ts'
import { errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import type { PooledExchange } from '../pool/pooled.ts'
import type { Pools } from '../pool/pools.ts'
import { Queued } from '../pool/queued.ts'
import { Offer } from './agreement.ts'
import type { SocketConnection } from './connection.ts'
import { Conversation, type ConversationOwner } from './conversation.ts'
import { shakeHands, type HandshakeListener, type HandshakeSettings } from './handshake.ts'

/** Where it stands: in a queue, given to a connection, the handshake written, answered (also with a 101), through. */
type Stage = 'waiting' | 'handed' | 'written' | 'answered' | 'over'

/** A WebSocket on its way, and while it is open. */
export class SocketExchange
  extends Queued<SocketExchange>
  implements PooledExchange<SocketExchange>, HandshakeListener, ConversationOwner
{
  readonly pipelinable = false
  readonly #observer: EventObserver
  readonly #pools: Pools<SocketExchange>
  readonly #settings: HandshakeSettings
  readonly #wish: WebSocketWish
  #stage: Stage = 'waiting'
  #connection: SocketConnection | undefined
  #offer: Offer | undefined
  #leaveHandshake: (() => void) | undefined
  #conversation: Conversation | undefined
  /** An answer that agrees to nothing. */
  #refusal: IncomingMessage | undefined
  #paused = false
  #started = false
  #informational = 0
  #received = 0
  #expected: number | undefined

  constructor(
    request: HttpRequest,
    wish: WebSocketWish,
    observer: EventObserver,
    pools: Pools<SocketExchange>,
    settings: HandshakeSettings,
  ) {
    super(request, pools.nextTicket(), pools.settings)
    this.#wish = wish
    this.#observer = observer
    this.#pools = pools
    this.#settings = settings
  }

  // What the user of the engine does.

  abort(): void {
    if (this.#stage === 'over') return
    const stage = this.#stage
    this.#end()
    if (stage === 'waiting') this.#pools.poolOf(this.request).leave(this)
    else if (this.#conversation === undefined) this.#connection?.destroy()
    else this.#conversation.abort()
    this.#connection?.done()
  }

  pause(): void {
    this.#paused = true
    this.#conversation?.pause()
    this.#refusal?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#conversation?.resume()
    this.#refusal?.resume()
  }

  fail(error: HttpError): void {
    if (this.#stage === 'over') return
    this.abort()
    this.#observer.error(error)
  }

  // What its connection does.

  isOn(connection: SocketConnection): boolean {
    return this.#stage === 'handed' && this.#connection === connection
  }

  hand(connection: SocketConnection): void {
    this.waited()
    this.#stage = 'handed'
    this.#connection = connection
  }

  begin(): void {
    const { socket, target, info } = this.#connection as SocketConnection
    if (!this.#tell(this.timed({ type: 'connection', connection: info }))) return
    const offer = (this.#offer = new Offer(this.#wish))
    const { request } = this
    const authority = target.origin.slice(target.origin.indexOf('//') + 2)
    const headers = ['Host', authority, ...offer.upgrade, ...offer.fields, ...request.headers.flat]
    try {
      this.#leaveHandshake = shakeHands(socket, target, request.target, headers, this.#settings, this)
    } catch (error) {
      this.#giveUp(unsendable(error instanceof Error ? error.message : String(error)), error)
    }
  }

  // What becomes of the handshake.

  written(): void {
    if (this.#stage !== 'handed') return
    this.#stage = 'written'
    this.#tell({ type: 'sent' })
  }

  informed(status: number, fields: readonly string[]): void {
    this.written()
    this.#started = true
    const fault = faultOf(status, fields, ++this.#informational)
    if (fault !== undefined) this.#giveUp(fault)
    else this.#tell({ type: 'informational', status, headers: HttpHeaders.received(fields) })
  }

  upgraded(answer: IncomingMessage, behind: Buffer): void {
    this.written()
    const connection = this.#connection
    const offer = this.#offer
    if (this.#stage === 'over' || connection === undefined || offer === undefined) return
    this.#started = true
    const { rawHeaders: fields } = answer
    const agreed = faultOf(200, fields, 0) ?? offer.upgradeFault(fields) ?? offer.read(fields)
    if ('what' in agreed) {
      this.#giveUp(agreed)
      return
    }
    const { socket } = connection
    if (behind.length > 0) socket.unshift(behind)
    this.#leaveHandshake?.()
    this.#stage = 'answered'
    const conversation = new Conversation(socket, agreed, this.#wish.maxMessage, this)
    this.#conversation = conversation
    if (this.#paused) conversation.pause()
    this.#tell({ type: 'head', head: this.#headOf(answer), flow: conversation, socket: conversation })
  }

  answered(answer: IncomingMessage): void {
    this.written()
    if (this.#stage === 'over') return
    this.#started = true
    const { rawHeaders: fields, statusCode: status = 0, httpVersion } = answer
    const fault = httpVersion.startsWith('1.')
      ? faultOf(status, fields, this.#informational)
      : unreadable(this.#progress, `version ${httpVersion}`)
    if (fault !== undefined) {
      this.#giveUp(fault)
      return
    }
    const framing = framingOf(fields, 'GET', status)
    this.#expected = typeof framing === 'number' ? framing : undefined
    this.#stage = 'answered'
    this.#refusal = answer
    if (!this.#tell({ type: 'head', head: this.#headOf(answer), flow: this })) return
    answer.on('data', (bytes: Buffer) => {
      if (this.#stage === 'over') return
      this.#received += bytes.length
      this.#tell({ type: 'chunk', bytes })
    })
    answer.once('end', () => {
      this.#refused(answer)
    })
    answer.on('error', error => {
      this.lost(error)
    })
    if (this.#paused) answer.pause()
  }

  lost(error: Error | undefined): void {
    if (this.#stage === 'over') return
    // The end of an answer that is held back will be told when that is let go.
    if (this.#refusal?.complete === true) return
    const cause = this.#connection?.fault ?? error
    this.#giveUp(this.#lostWith(error), cause)
  }

  // What becomes of the conversation.

  call(work: () => void): void {
    try {
      if (this.#observer instanceof AsyncResource) this.#observer.runInAsyncScope(work)
      else work()
    } catch (error) {
      this.#giveUp(listenerFailed(this.#progress), error)
    }
  }

  concluded(): void {
    this.#finish()
  }

  broken(fault: Fault, cause: unknown): void {
    if (this.#stage === 'over') return
    const error = errorOf(fault, this.#progress, cause)
    this.#end()
    this.#connection?.done()
    this.#observer.error(error)
  }

  sever(): void {
    this.#connection?.destroy()
  }

  #refused(answer: IncomingMessage): void {
    if (this.#stage === 'over') return
    if (!answer.complete || (this.#expected ?? this.#received) !== this.#received) {
      this.#giveUp(truncated(this.#progress), this.#connection?.fault)
      return
    }
    const { rawTrailers: trailers } = answer
    if (trailers.length > 0 && !this.#tell({ type: 'trailers', headers: HttpHeaders.received(trailers) })) return
    this.#connection?.destroy()
    this.#finish()
  }

  #headOf({
    statusCode: status = 0,
    statusMessage: statusText = '',
    rawHeaders,
    httpVersion,
  }: IncomingMessage): Extract<HttpEvent, { type: 'head' }>['head'] {
    const { request } = this
    const headers = HttpHeaders.received(rawHeaders)
    return {
      status,
      statusText,
      headers,
      httpVersion: httpVersion === '1.0' ? '1.0' : '1.1',
      url: request.url,
      request,
    }
  }

  #lostWith(error: Error | undefined): Fault {
    const progress = this.#progress
    const code = codeOf(error)
    if (code === 'HPE_HEADER_OVERFLOW') return overflowing(progress)
    if (code.startsWith('HPE_') && !(progress.answered && progress.ended))
      return unreadable(progress, (error as { reason?: string }).reason ?? '')
    return brokenOff(progress, this.#connection?.fault)
  }

  /** Tells of an event. False when the exchange is over then. */
  #tell(event: HttpEvent): boolean {
    try {
      this.#observer.next(event)
    } catch (error) {
      this.#giveUp(listenerFailed(this.#progress), error)
    }
    return this.#stage !== 'over'
  }

  #finish(): void {
    if (this.#stage === 'over') return
    this.#end()
    this.#connection?.done()
    this.#observer.complete()
  }

  #giveUp(fault: Fault, cause?: unknown): void {
    this.fail(errorOf(fault, this.#progress, cause))
  }

  #end(): void {
    this.#stage = 'over'
    this.waited()
    this.#leaveHandshake?.()
    this.#pools.ended(this)
  }

  get #progress(): Progress {
    const written = this.#stage === 'written' || this.#stage === 'answered'
    return {
      request: this.request,
      written,
      sent: written,
      started: this.#started,
      answered: this.#stage === 'answered',
      received: this.#received,
      expected: this.#expected,
      reused: false,
      ended: this.#connection?.ended ?? false,
    }
  }
}
