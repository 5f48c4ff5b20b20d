/** An engine that does what a test says, at once and in the same turn, and holds the core to its side of the contract. */
import { expect, onTestFinished } from 'vitest'
import {
  HttpError,
  HttpHeaders,
  type Capabilities,
  type ConnectionEvent,
  type ConnectionInfo,
  type Engine,
  type EventObserver,
  type Exchange,
  type HeadersInit,
  type HttpEvent,
  type HttpRequest,
  type UploadIterator,
} from '../../src/index.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One request the engine was given, and the means to answer it. */
export class Sent implements Exchange {
  readonly request: HttpRequest
  /** What the core asked for: `pause`, `resume`, `abort`. */
  readonly asked: string[] = []
  readonly #observer: EventObserver
  readonly #engine: ScriptedEngine
  #state: 'open' | 'settled' | 'aborted' = 'open'
  #upload: UploadIterator | undefined

  constructor(request: HttpRequest, observer: EventObserver, engine: ScriptedEngine) {
    this.request = request
    this.#observer = observer
    this.#engine = engine
  }

  get open(): boolean {
    return this.#state === 'open'
  }
  get aborted(): boolean {
    return this.#state === 'aborted'
  }

  next(event: HttpEvent): this {
    if (this.open) this.#observer.next(event)
    return this
  }
  connection(change: Partial<ConnectionInfo> = {}): this {
    return this.next({ type: 'connection', connection: aConnection(change) })
  }
  head(status = 200, headers: HeadersInit = {}): this {
    const { request } = this
    const fields = HttpHeaders.of(headers)
    const head = { status, statusText: '', headers: fields, httpVersion: '1.1', url: request.url, request } as const
    return this.next({ type: 'head', head, flow: this })
  }
  chunk(bytes: string | Uint8Array): this {
    return this.next({ type: 'chunk', bytes: typeof bytes === 'string' ? encode(bytes) : bytes })
  }
  trailers(headers: HeadersInit): this {
    return this.next({ type: 'trailers', headers: HttpHeaders.of(headers) })
  }
  complete(): void {
    if (!this.open) return
    this.#state = 'settled'
    this.#observer.complete()
  }
  fail(error: HttpError = new HttpError('RESET', 'The peer left.', { phase: 'body', request: this.request })): void {
    if (!this.open) return
    this.#state = 'settled'
    this.#observer.error(error)
  }
  /** Head, body and end at once. */
  answer(body = '', status = 200, headers: HeadersInit = {}): void {
    this.head(status, headers)
    if (body !== '') this.chunk(body)
    this.complete()
  }

  /** Opens the body of the request. */
  upload(): UploadIterator {
    const { body } = this.request
    if (body === undefined || body instanceof Uint8Array) throw new Error('this request has no upload')
    this.#upload = body.open()
    return this.#upload
  }
  /** Reads the body of the request to its end. */
  async uploaded(): Promise<string> {
    const { body } = this.request
    if (body === undefined) return ''
    if (body instanceof Uint8Array) return new TextDecoder().decode(body)
    const iterator = this.upload()
    let text = ''
    for (let step = await iterator.next(); !step.done; step = await iterator.next())
      text += new TextDecoder().decode(step.value)
    return text
  }

  pause(): void {
    this.asked.push('pause')
  }
  resume(): void {
    this.asked.push('resume')
  }
  abort(): void {
    this.asked.push('abort')
    if (!this.open) this.#engine.violations.push(`abort() of ${this.request.url} when it was ${this.#state}`)
    this.#state = 'aborted'
    void this.#upload?.return()
  }
}

/** What happens when a request is sent; `n` counts them from 1. */
export type Script = (sent: Sent, n: number) => void

/** Makes a scripted engine; without a script every request waits for the test. */
export class ScriptedEngine implements Engine {
  readonly name: string = 'scripted'
  readonly capabilities: Capabilities
  readonly sent: Sent[] = []
  /** What the core did that an engine need not put up with. */
  readonly violations: string[] = []
  /** `close`, `destroy CANCELLED`, … */
  readonly ended: string[] = []
  readonly listeners: Set<(event: ConnectionEvent) => void> = new Set()
  readonly #script: Script

  constructor(script: Script = () => undefined, capabilities: Partial<Capabilities> = {}) {
    this.#script = script
    this.capabilities = { ...ABLE, ...capabilities }
    onTestFinished(() => {
      expect(this.violations).toEqual([])
    })
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    const sent = new Sent(request, observer, this)
    this.sent.push(sent)
    this.#script(sent, this.sent.length)
    return sent
  }
  close(): Promise<void> {
    this.ended.push('close')
    return Promise.resolve()
  }
  destroy(reason?: HttpError): Promise<void> {
    this.ended.push(`destroy ${reason?.code ?? 'without reason'}`)
    return Promise.resolve()
  }
  watch(listener: (event: ConnectionEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** The nth request, counted from 1. */
  nth(n: number): Sent {
    const sent = this.sent[n - 1]
    if (sent === undefined) throw new Error(`the engine was asked ${this.sent.length} times, not ${n}`)
    return sent
  }
  get last(): Sent {
    return this.nth(this.sent.length)
  }
  /** `METHOD url` of everything that was sent. */
  get lines(): string[] {
    return this.sent.map(({ request }) => `${request.method} ${request.url}`)
  }
}

/** An engine that answers everything with this text. */
export function answering(text = 'ok', status = 200): ScriptedEngine {
  return new ScriptedEngine(sent => {
    sent.answer(text, status)
  })
}

/** A connection for events. */
export function aConnection(change: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return { id: 1, protocol: 'http/1.1', reused: false, took: {}, ...change }
}

const ABLE: Capabilities = {
  protocols: ['http/1.1'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: false,
  informational: true,
  trailers: true,
  backPressure: true,
  webSocket: false,
  decodes: false,
  proxies: true,
  limits: [],
}
