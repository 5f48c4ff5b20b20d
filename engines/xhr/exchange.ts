/** One exchange: what an `XMLHttpRequest` tells becomes events, and it can be ended in every phase. */
import {
  describe,
  HttpError,
  HttpHeaders,
  isHttpError,
  Linked,
  PLATFORM,
  UPLOAD_PROGRESS,
  type EventObserver,
  type HttpRequest,
} from '../../src/index.ts'
import { SOURCE_FAILED, truncated } from '../exchange/faults.ts'
import { errorOf, type Progress } from '../exchange/progress.ts'
import { Collecting } from '../platform/collecting.ts'
import type { Running } from '../platform/engine.ts'
import { faultOf, lengthOf } from '../platform/head.ts'
import { fieldsOf, needsStreaming, refusalOf } from '../platform/request.ts'
import { unexplained } from '../platform/silent.ts'
import { receivedFields } from './fields.ts'

/** What all exchanges of an engine share. */
export interface Setting {
  /** Makes what sends one request. */
  readonly make: () => XMLHttpRequest
  readonly withCredentials: boolean
}

/** A request on its way. The body of its answer comes as one chunk when all of it is there. */
export class XhrExchange extends Linked<Running> implements Running {
  readonly request: HttpRequest
  readonly #observer: EventObserver
  readonly #setting: Setting
  readonly #ended: () => void
  #xhr: XMLHttpRequest | undefined
  #collecting: Collecting | undefined
  #over = false
  #written = false
  #sent = false
  #uploaded = false
  #answered = false
  #paused = false
  #whole = false
  #received = 0
  #expected: number | undefined

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
    const { body } = request
    const refusal = refusalOf(request, 'xhr', true)
    if (refusal !== undefined) this.fail(refusal)
    else if (body === undefined || body instanceof Uint8Array) this.#send(body ?? null)
    else if (body.length === undefined) this.fail(needsStreaming(request, 'xhr'))
    else {
      this.#collecting = new Collecting()
      this.#collecting.start(
        body,
        blob => {
          this.#send(blob)
        },
        (error: unknown) => {
          this.#sourceFailed(error)
        },
      )
    }
  }

  abort(): void {
    if (this.#over) return
    this.#end()
    this.#xhr?.abort()
  }

  /** Ends it with this error. */
  fail(error: HttpError): void {
    if (this.#over) return
    this.abort()
    this.#observer.error(error)
  }

  /** Holds back what has come; the platform goes on receiving. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#whole) {
      queueMicrotask(() => {
        if (!this.#paused) this.#deliver()
      })
    }
  }

  #send(body: Uint8Array | Blob | null): void {
    const { request } = this
    const xhr = (this.#xhr = this.#setting.make())
    xhr.onreadystatechange = () => {
      if (xhr.readyState === HEADERS_RECEIVED) this.#answer(xhr)
    }
    xhr.onprogress = ({ loaded }) => {
      this.#received = loaded
    }
    xhr.onload = () => {
      this.#whole = true
      if (!this.#paused) this.#deliver()
    }
    xhr.onerror = () => {
      this.fail(errorOf(unexplained(this.#progress), { ...this.#progress, sent: this.#answered }))
    }
    // Events of the upload make a browser ask other origins first whether it may send: only for who wants them.
    if (body !== null && request.read(UPLOAD_PROGRESS) === true) this.#watch(xhr.upload, body)
    // Browsers send what was aborted in the turn in which it was begun.
    queueMicrotask(() => {
      if (!this.#over) this.#start(xhr, body)
    })
  }

  #start(xhr: XMLHttpRequest, body: Uint8Array | Blob | null): void {
    const { request } = this
    try {
      xhr.open(request.method, request.url)
      this.#written = true
      xhr.responseType = 'arraybuffer'
      const { credentials } = request.read(PLATFORM) ?? {}
      xhr.withCredentials = credentials === undefined ? this.#setting.withCredentials : credentials === 'include'
      for (const [name, value] of fieldsOf(request, false)) xhr.setRequestHeader(name, value)
      xhr.send(body as XMLHttpRequestBodyInit | null)
    } catch (cause) {
      this.fail(refused(request, cause))
      return
    }
    this.#tellSent()
  }

  /** Tells how much went up; the platform tells at intervals and at the end. */
  #watch(upload: XMLHttpRequestUpload, body: Uint8Array | Blob): void {
    const total = body instanceof Uint8Array ? body.length : body.size
    upload.onprogress = ({ loaded }) => {
      this.#tellSent()
      if (!this.#over && !this.#uploaded && loaded < total)
        this.#observer.next({ type: 'progress', way: 'up', loaded, total })
    }
    upload.onload = () => {
      this.#tellSent()
      if (this.#over || this.#uploaded) return
      this.#uploaded = true
      this.#observer.next({ type: 'progress', way: 'up', loaded: total, total, done: true })
    }
  }

  #tellSent(): void {
    if (this.#over || this.#sent) return
    this.#sent = true
    this.#observer.next({ type: 'sent' })
  }

  #answer(xhr: XMLHttpRequest): void {
    // A request that failed passes through this state without a status.
    if (this.#over || this.#answered || xhr.status === 0) return
    this.#tellSent()
    if (this.#isOver()) return
    const { request } = this
    const { status, statusText, responseURL } = xhr
    const fields = receivedFields(xhr.getAllResponseHeaders())
    const fault = faultOf(status, fields)
    if (fault !== undefined) {
      this.fail(errorOf(fault, { ...this.#progress, started: true }))
      return
    }
    const headers = HttpHeaders.received(fields)
    this.#answered = true
    this.#expected = lengthOf(headers, request.method, status)
    const url = responseURL === '' ? request.url : responseURL
    const head = { status, statusText, headers, httpVersion: '1.1', url, request } as const
    this.#observer.next({ type: 'head', head, flow: this })
  }

  #deliver(): void {
    const xhr = this.#xhr
    if (this.#over || xhr === undefined) return
    const bytes = new Uint8Array((xhr.response as ArrayBuffer | null) ?? new ArrayBuffer())
    this.#received = bytes.length
    if (this.#expected !== undefined && bytes.length !== this.#expected) {
      this.fail(errorOf(truncated(this.#progress), this.#progress))
      return
    }
    if (bytes.length > 0) this.#observer.next({ type: 'chunk', bytes })
    if (this.#isOver()) return
    this.#end()
    this.#observer.complete()
  }

  #sourceFailed(error: unknown): void {
    this.fail(isHttpError(error) ? error.with({ requestWritten: 'no' }) : errorOf(SOURCE_FAILED, this.#progress, error))
  }

  #end(): void {
    this.#over = true
    this.#collecting?.stop()
    this.#ended()
  }

  #isOver(): boolean {
    return this.#over
  }

  get #progress(): Progress {
    return {
      request: this.request,
      written: this.#written,
      sent: this.#uploaded || this.#answered,
      started: this.#answered,
      answered: this.#answered,
      received: this.#received,
      expected: this.#expected,
      reused: false,
      ended: false,
    }
  }
}

const HEADERS_RECEIVED = 2

/** The platform threw when it was asked to send. */
function refused(request: HttpRequest, cause: unknown): HttpError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new HttpError('UNSUPPORTED', `${describe(request, request.attempt)} is refused by this platform: ${why}`, {
    phase: 'config',
    request,
    attempt: request.attempt,
    requestWritten: 'no',
    cause,
  })
}
