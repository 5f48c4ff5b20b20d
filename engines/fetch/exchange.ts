/** One exchange: what the platform's `fetch` tells becomes events, and it can be ended in every phase. */
import {
  HttpHeaders,
  isHttpError,
  Linked,
  UPLOAD_PROGRESS,
  type EventObserver,
  type HttpError,
  type HttpRequest,
  type UploadSource,
} from '../../src/index.ts'
import { listenerFailed, SOURCE_FAILED, truncated } from '../exchange/faults.ts'
import { errorOf, type Progress } from '../exchange/progress.ts'
import { Collecting } from '../platform/collecting.ts'
import type { Running } from '../platform/engine.ts'
import { faultOf, lengthOf } from '../platform/head.ts'
import { needsStreaming, refusalOf, unsupported } from '../platform/request.ts'
import { call, type Setting } from './call.ts'
import { failureOf, hiddenRedirect } from './failure.ts'
import { Gate, type GateKeeper } from './gate.ts'
import { Reading } from './reading.ts'

type Stage = 'sending' | 'answered' | 'over'

/** A request on its way. */
export class FetchExchange extends Linked<Running> implements Running, GateKeeper {
  readonly request: HttpRequest
  readonly #observer: EventObserver
  readonly #setting: Setting
  readonly #ended: () => void
  readonly #controller = new AbortController()
  readonly #reading = new Reading()
  #stage: Stage = 'sending'
  #written = false
  #sent = false
  #gate: Gate | undefined
  #collecting: Collecting | undefined
  #expected: number | undefined
  #received = 0

  constructor(request: HttpRequest, observer: EventObserver, setting: Setting, ended: () => void) {
    super()
    this.request = request
    this.#observer = observer
    this.#setting = setting
    this.#ended = ended
  }

  /** Sends it, or fails it with what this platform cannot send. */
  begin(): void {
    const { request } = this
    const { abilities } = this.#setting
    const refusal = refusalOf(request, 'fetch', abilities.strict)
    if (refusal !== undefined) {
      this.fail(refusal)
      return
    }
    const { body } = request
    if (body === undefined) this.#send(null)
    else if (body instanceof Uint8Array && !(abilities.streams === 'always' && request.read(UPLOAD_PROGRESS) === true))
      this.#send(body as Uint8Array<ArrayBuffer>)
    else this.#upload(body)
  }

  abort(): void {
    if (this.#stage === 'over') return
    // Stops the upload before the platform hears of it: a browser takes a body that it cancels itself for one that has ended.
    this.#end()
    this.#controller.abort()
    this.#reading.leave()
  }

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.#stage === 'over') return
    this.abort()
    this.#observer.error(error)
  }

  pause(): void {
    this.#reading.pause()
  }

  resume(): void {
    this.#reading.resume()
  }

  // What the gate tells.

  began(): void {
    this.#tellSent()
  }

  took(loaded: number, done: boolean): void {
    if (this.#stage === 'over' || this.request.read(UPLOAD_PROGRESS) !== true) return
    const total = this.request.body?.length
    this.#observer.next({ type: 'progress', way: 'up', loaded, total, ...(done ? { done } : undefined) })
  }

  failed(error: unknown): void {
    const requestWritten = this.#written ? 'maybe' : 'no'
    this.fail(isHttpError(error) ? error.with({ requestWritten }) : errorOf(SOURCE_FAILED, this.#progress, error))
  }

  /** A body that is produced while it is sent, where that can be; else one that is collected before. */
  #upload(body: Uint8Array | UploadSource): void {
    const { streams } = this.#setting.abilities
    if (streams === 'always' || (streams === 'h2' && body.length === undefined)) {
      this.#gate = new Gate(body, this)
      this.#send(this.#gate.stream)
    } else if (body.length === undefined || body instanceof Uint8Array) {
      this.fail(needsStreaming(this.request, 'fetch'))
    } else {
      this.#collecting = new Collecting()
      this.#collecting.start(
        body,
        blob => {
          this.#send(blob)
        },
        (error: unknown) => {
          this.failed(error)
        },
      )
    }
  }

  #send(body: BodyInit | null): void {
    const { request } = this
    // Browsers send what was aborted in the turn in which it was begun.
    queueMicrotask(() => {
      if (this.#isOver()) return
      this.#written = true
      call(this.#setting, request, body, this.#controller.signal).then(
        response => {
          this.#answer(response)
        },
        (error: unknown) => {
          this.#break(error)
        },
      )
      // The platform does not say when the head is on the wire. With a stream it asks for the body when there is a connection.
      if (this.#gate === undefined) this.#tellSent()
    })
  }

  #tellSent(): void {
    if (this.#stage !== 'sending' || this.#sent) return
    this.#sent = true
    this.#observer.next({ type: 'sent' })
  }

  #answer(response: Response): void {
    if (this.#isOver()) {
      // Chromium has been seen to keep a connection whose request was aborted just as its head came.
      response.body?.cancel().catch(ignore)
      return
    }
    const { request } = this
    const { status, statusText, type } = response
    if (type === 'opaqueredirect') {
      this.fail(hiddenRedirect(this.#progress))
      return
    }
    if (type === 'opaque' || type === 'error') {
      this.fail(unsupported(request, 'fetch', 'was answered with something this platform does not show'))
      return
    }
    const fields = [...response.headers].flat()
    const fault = faultOf(status, fields)
    if (fault !== undefined) {
      this.fail(errorOf(fault, { ...this.#progress, started: true }))
      return
    }
    const headers = HttpHeaders.received(fields)
    this.#tellSent()
    if (this.#isOver()) return
    this.#stage = 'answered'
    this.#expected = lengthOf(headers, request.method, status)
    // The platform tells where it went only if it followed redirects; which version of HTTP was spoken, it never tells.
    const url = response.redirected ? response.url : request.url
    const head = { status, statusText, headers, httpVersion: '1.1', url, request } as const
    this.#reading.begin(response.body)
    this.#observer.next({ type: 'head', head, flow: this })
    this.#read().catch((error: unknown) => {
      // Nothing but the observer throws here.
      this.fail(errorOf(listenerFailed(this.#progress), this.#progress, error))
    })
  }

  async #read(): Promise<void> {
    for (let bytes = await this.#next(); bytes !== undefined; bytes = await this.#next()) {
      this.#received += bytes.length
      this.#observer.next({ type: 'chunk', bytes })
    }
    if (!this.#isOver()) this.#finish()
  }

  /** The next chunk; `undefined` at the end, and when the exchange is over. */
  async #next(): Promise<Uint8Array | undefined> {
    try {
      const bytes = this.#isOver() ? undefined : await this.#reading.next()
      return this.#isOver() ? undefined : bytes
    } catch (error) {
      this.#break(error)
      return undefined
    }
  }

  #finish(): void {
    if (this.#expected !== undefined && this.#received !== this.#expected) {
      this.fail(errorOf(truncated(this.#progress), this.#progress))
      return
    }
    // An answer that came before its request was sent is the last of it.
    const early = this.#gate?.sent === false
    this.#end()
    if (early) this.#controller.abort()
    this.#observer.complete()
  }

  #break(error: unknown): void {
    if (this.#stage === 'over') return
    const { streams } = this.#setting.abilities
    const hint =
      this.#gate !== undefined && streams === 'h2'
        ? ', or a server without HTTP/2, which this platform needs to send a body as it is produced'
        : ''
    this.fail(failureOf(error, this.#progress, hint))
  }

  #end(): void {
    this.#stage = 'over'
    this.#gate?.stop()
    this.#collecting?.stop()
    this.#ended()
  }

  #isOver(): boolean {
    return this.#stage === 'over'
  }

  get #progress(): Progress {
    return {
      request: this.request,
      written: this.#written,
      sent: this.#written && this.#gate?.sent !== false,
      started: this.#stage === 'answered',
      answered: this.#stage === 'answered',
      received: this.#received,
      expected: this.#expected,
      reused: false,
      ended: false,
    }
  }
}

function ignore(): void {
  // Nobody wants it any more; how it ends is its own affair.
}
