/** The side of Node: an engine whose exchanges run elsewhere, so that the engine contract can be held against it. */
import {
  HttpError,
  HttpHeaders,
  UPLOAD_PROGRESS,
  WEB_SOCKET,
  type Capabilities,
  type Engine,
  type EngineFactory,
  type EventObserver,
  type Exchange,
  type HttpEvent,
  type HttpRequest,
  type UploadIterator,
} from '../../../src/index.ts'
import { RemoteSocket } from './remote-socket.ts'
import type { Kind, ToNode, ToPage, WireError } from './wire.ts'

/** Makes an engine of the other side one that a client in Node can use. */
export function remote(channel: Channel, kind: Kind, capabilities: Capabilities, options: object = {}): EngineFactory {
  return { name: kind, create: () => new RemoteEngine(channel, kind, options, capabilities) }
}

/** Carries messages; those of one turn go together. */
export class Channel {
  readonly exchanges: Map<number, RemoteExchange> = new Map()
  readonly calls: Map<number, () => void> = new Map()
  readonly #send: (messages: readonly ToPage[]) => void
  #ids = 0
  #queue: ToPage[] = []

  constructor(send: (messages: readonly ToPage[]) => void) {
    this.#send = send
  }

  id(): number {
    return ++this.#ids
  }

  tell(message: ToPage): void {
    if (this.#queue.push(message) === 1) queueMicrotask(() => this.#flush())
  }

  hear(message: ToNode): void {
    if (message.type === 'ended') this.calls.get(message.call)?.()
    else this.exchanges.get(message.x)?.hear(message)
  }

  #flush(): void {
    const messages = this.#queue
    this.#queue = []
    this.#send(messages)
  }
}

class RemoteEngine implements Engine {
  readonly name: string
  readonly capabilities: Capabilities
  readonly #channel: Channel
  readonly #e: number

  constructor(channel: Channel, kind: Kind, options: object, capabilities: Capabilities) {
    this.name = kind
    this.capabilities = capabilities
    this.#channel = channel
    this.#e = channel.id()
    channel.tell({ type: 'engine', e: this.#e, kind, options })
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    return new RemoteExchange(this.#channel, this.#e, request, observer)
  }

  close(): Promise<void> {
    return this.#end('close', '')
  }

  destroy(reason?: HttpError): Promise<void> {
    return this.#end('destroy', reason?.message ?? 'The engine was destroyed.')
  }

  #end(how: 'close' | 'destroy', message: string): Promise<void> {
    const call = this.#channel.id()
    return new Promise(resolve => {
      this.#channel.calls.set(call, resolve)
      this.#channel.tell({ type: 'end', e: this.#e, how, message, call })
    })
  }
}

class RemoteExchange implements Exchange {
  readonly #channel: Channel
  readonly #x: number
  readonly #request: HttpRequest
  readonly #observer: EventObserver
  #iterator: UploadIterator | undefined
  #sourceError: unknown
  #over = false
  #socket: RemoteSocket | undefined

  constructor(channel: Channel, e: number, request: HttpRequest, observer: EventObserver) {
    this.#channel = channel
    this.#request = request
    this.#observer = observer
    const x = (this.#x = channel.id())
    channel.exchanges.set(x, this)
    const { id, method, url, headers, body, attempt } = request
    channel.tell({
      type: 'exchange',
      e,
      x,
      request: {
        id,
        method,
        url,
        fields: [...headers],
        attempt,
        progress: request.read(UPLOAD_PROGRESS) === true,
        wish: request.read(WEB_SOCKET),
        body:
          body instanceof Uint8Array
            ? Buffer.from(body).toString('base64')
            : body && { length: body.length, replayable: body.replayable },
      },
    })
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#channel.tell({ type: 'abort', x: this.#x })
  }

  pause(): void {
    this.#channel.tell({ type: 'pause', x: this.#x })
  }

  resume(): void {
    this.#channel.tell({ type: 'resume', x: this.#x })
  }

  hear(message: Exclude<ToNode, { type: 'ended' }>): void {
    const x = this.#x
    if (message.type === 'return') {
      void this.#iterator?.return()
      return
    }
    if (this.#over) return
    switch (message.type) {
      case 'event':
        if (message.socket !== undefined) this.#socket = new RemoteSocket(this.#channel, x, message.socket)
        this.#observer.next(this.#event(message.event as HttpEvent, message.fields))
        break
      case 'said':
      case 'pong':
      case 'closed':
      case 'taken':
        this.#socket?.hear(message)
        break
      case 'chunk': {
        const bytes = new Uint8Array(Buffer.from(message.bytes, 'base64'))
        this.#channel.tell({ type: 'taken', x, bytes: bytes.length })
        this.#observer.next({ type: 'chunk', bytes })
        break
      }
      case 'complete':
        this.#over = true
        this.#observer.complete()
        break
      case 'error':
        this.#over = true
        this.#observer.error(this.#error(message.error))
        break
      case 'pull':
        void this.#pull()
        break
      default:
    }
  }

  #event(event: HttpEvent, fields: readonly string[] = []): HttpEvent {
    if (event.type !== 'head') return event
    const headers = HttpHeaders.received(fields)
    return { ...event, head: { ...event.head, headers, request: this.#request }, flow: this, socket: this.#socket }
  }

  #error({ code, message, ...known }: WireError): HttpError {
    const details = { ...known, request: this.#request, cause: this.#sourceError } as ConstructorParameters<
      typeof HttpError
    >[2]
    return new HttpError(code as HttpError['code'], message, details)
  }

  async #pull(): Promise<void> {
    const x = this.#x
    const { body } = this.#request
    if (body === undefined || body instanceof Uint8Array) return
    try {
      const { value } = await (this.#iterator ??= body.open()).next()
      this.#channel.tell({ type: 'piece', x, ...(value && { bytes: Buffer.from(value).toString('base64') }) })
    } catch (error) {
      this.#sourceError = (error as HttpError).cause
      this.#channel.tell({ type: 'piece', x, failed: (error as Error).message })
    }
  }
}
