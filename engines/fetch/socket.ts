/** One WebSocket of the platform, with what that tells and lets one do. */
import {
  clock,
  HttpHeaders,
  Linked,
  type EventObserver,
  type HttpError,
  type HttpRequest,
  type WebSocketConnection,
  type WebSocketListener,
  type WebSocketWish,
} from '../../src/index.ts'
import { listenerFailed } from '../exchange/faults.ts'
import { errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import type { Running } from '../platform/engine.ts'
import { unsupported } from '../platform/request.ts'
import { unexplained } from '../platform/silent.ts'
import { protocolFault, tooLong } from '../web-socket/faults.ts'
import { checkGoodbye, FAREWELL } from '../web-socket/goodbye.ts'
import { Inbox } from '../web-socket/inbox.ts'
import { wishOf } from '../web-socket/wish.ts'
import { Deliveries } from './deliveries.ts'
import { checkHandshake, tooFarAhead, whyBroken } from './socket-faults.ts'

/** How much may be heard before somebody reads, in bytes: a platform cannot hold a server back. */
const MOST_AHEAD = 8 * 1024 * 1024

const NOT_OPENED: Pick<CloseEvent, 'wasClean' | 'code' | 'reason'> = { wasClean: false, code: 1006, reason: '' }

/** What becomes of the handshake, and then of the WebSocket. */
export class PlatformSocket extends Linked<Running> implements Running, WebSocketConnection {
  readonly request: HttpRequest
  readonly pings = false
  readonly #observer: EventObserver
  /** The platform sends no cookies, as was asked. */
  readonly #bare: boolean
  readonly #ended: () => void
  readonly #inbox = new Inbox(() => undefined)
  #wish: WebSocketWish | undefined
  #socket: WebSocket | undefined
  #deliveries: Deliveries | undefined
  #ahead = 0
  #open = false
  #closing = false
  #deaf = false
  #over = false
  #stopFarewell: (() => void) | undefined

  /** `bare` where the engine is to send no cookies of a browser, which no browser lets a WebSocket do. */
  constructor(request: HttpRequest, observer: EventObserver, bare: boolean, ended: () => void) {
    super()
    this.request = request
    this.#observer = observer
    this.#bare = bare
    this.#ended = ended
  }

  begin(): void {
    try {
      this.#wish = wishOf(this.request)
      checkHandshake(this.request, this.#bare)
    } catch (error) {
      this.fail(error as HttpError)
      return
    }
    // As with any other request: who leaves in this turn has sent nothing.
    queueMicrotask(() => {
      if (!this.#over) this.#connect()
    })
  }

  // What the user of the engine does.

  abort(): void {
    if (this.#over) return
    this.#end()
    // There is no other way to leave one.
    this.#socket?.close()
  }

  fail(error: HttpError): void {
    if (this.#over) return
    this.abort()
    this.#observer.error(error)
  }

  // What whoever has the WebSocket does.

  get protocol(): string {
    return this.#socket?.protocol ?? ''
  }
  get compressed(): boolean {
    return this.#socket?.extensions.includes('permessage-deflate') === true
  }
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  listen(listener: WebSocketListener): void {
    this.#inbox.listen(listener)
  }

  pause(): void {
    this.#inbox.pause()
  }

  resume(): void {
    this.#inbox.resume()
  }

  send(data: string | Uint8Array, taken?: () => void): void {
    if (this.#closing || this.#deaf || this.#over) return
    this.#socket?.send(data as string | Uint8Array<ArrayBuffer>)
    if (taken !== undefined) this.#deliveries?.expect(sizeOf(data), () => this.#call(taken))
    else this.#deliveries?.expect(sizeOf(data), undefined)
  }

  /** The platform pings when it likes, and tells nobody. */
  ping(): void {
    // Nothing to be done.
  }

  close(code?: number, reason = ''): void {
    checkGoodbye(code, reason)
    if (this.#closing || this.#deaf || this.#over) return
    this.#closing = true
    if (code === 1000 || (code !== undefined && code >= 3000)) this.#socket?.close(code, reason)
    // A page may say no other code: it says none.
    else this.#socket?.close()
    this.#stopFarewell = clock.schedule(() => {
      this.#conclude(1006, '')
    }, FAREWELL)
  }

  #connect(): void {
    const { request } = this
    const protocols = [...(this.#wish?.protocols ?? [])]
    let socket: WebSocket
    try {
      socket = new WebSocket(request.url.replace(/^http/, 'ws'), protocols)
    } catch (cause) {
      this.fail(unsupported(request, 'fetch', 'opens no WebSocket, for this platform does not let it', cause))
      return
    }
    this.#socket = socket
    this.#deliveries = new Deliveries(socket)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => {
      this.#opened()
    })
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#heard(typeof data === 'string' ? data : new Uint8Array(data))
    })
    socket.addEventListener('close', event => {
      this.#closed(event)
    })
    // Node 22 says nothing else of a handshake that fails.
    socket.addEventListener('error', () => {
      if (!this.#open) this.#closed(NOT_OPENED)
    })
    this.#observer.next({ type: 'sent' })
  }

  #opened(): void {
    const { request } = this
    if (this.#over) {
      this.#socket?.close()
      return
    }
    this.#open = true
    const fault = protocolFault(this.protocol, this.#wish?.protocols ?? [])
    if (fault !== undefined) {
      this.#giveUp(fault)
      return
    }
    // Of the fields of the answer the platform shows this one.
    const headers = HttpHeaders.of(this.protocol === '' ? {} : { 'sec-websocket-protocol': this.protocol })
    const head = { status: 101, statusText: '', headers, httpVersion: '1.1', url: request.url, request } as const
    try {
      this.#observer.next({ type: 'head', head, flow: this, socket: this })
    } catch (error) {
      this.#giveUp(listenerFailed(this.#progress), error)
    }
  }

  #heard(data: string | Uint8Array): void {
    if (this.#deaf || this.#over) return
    const size = sizeOf(data)
    const most = this.#wish?.maxMessage ?? Infinity
    if (size > most) {
      this.#last(tooLong(most))
      return
    }
    if (this.#ahead > 0 && this.#ahead + size > Math.max(MOST_AHEAD, most)) {
      this.#last(tooFarAhead(this.#ahead + size))
      return
    }
    this.#ahead += size
    this.#inbox.put(listener => {
      this.#ahead -= size
      this.#call(() => {
        listener.message(data)
      })
    })
  }

  #closed({ wasClean, code, reason }: typeof NOT_OPENED): void {
    this.#stopFarewell?.()
    if (this.#deaf || this.#over) return
    this.#deaf = true
    if (!this.#open) {
      this.#giveUp(unexplained(this.#progress, ', or the server refused the WebSocket'))
      return
    }
    this.#inbox.put(() => {
      if (wasClean) this.#conclude(code, reason)
      else if (this.#closing) this.#conclude(1006, '')
      else this.#giveUp(whyBroken(code))
    })
  }

  /** Nothing more is heard, and what was is heard before the fault. */
  #last(fault: Fault): void {
    this.#deaf = true
    this.#closing = true
    this.#socket?.close()
    this.#inbox.put(() => {
      this.#giveUp(fault)
    })
  }

  #call(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#giveUp(listenerFailed(this.#progress), error)
    }
  }

  #conclude(code: number, reason: string): void {
    if (this.#over) return
    this.#call(() => this.#inbox.listener?.closed(code, reason))
    if (this.#isOver()) return
    this.#end()
    this.#observer.complete()
  }

  #giveUp(fault: Fault, cause?: unknown): void {
    this.fail(errorOf(fault, this.#progress, cause))
  }

  #isOver(): boolean {
    return this.#over
  }

  #end(): void {
    this.#over = true
    this.#inbox.end()
    this.#stopFarewell?.()
    this.#deliveries?.stop()
    this.#ended()
  }

  get #progress(): Progress {
    const written = this.#socket !== undefined
    return {
      request: this.request,
      written,
      sent: written,
      started: this.#open,
      answered: this.#open,
      received: 0,
      expected: undefined,
      reused: false,
      ended: false,
    }
  }
}

function sizeOf(data: string | Uint8Array): number {
  return typeof data === 'string' ? encoder.encode(data).length : data.length
}

const encoder = new TextEncoder()
