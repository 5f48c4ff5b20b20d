/** The side of the page: engines that are told by Node what to do. It is bundled for the browser. */
import { createClient } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { xhr } from 'sluice/engines/xhr'
import { progress } from 'sluice/plugins/progress'
import {
  ATTEMPT,
  HttpError,
  HttpHeaders,
  HttpRequest,
  UPLOAD_PROGRESS,
  WEB_SOCKET,
  type Capabilities,
  type Engine,
  type EventObserver,
  type Exchange,
  type HttpEvent,
  type RequestBody,
  type WebSocketConnection,
} from '../../../src/index.ts'
import type { Kind, ToNode, ToPage, WireMessage, WireRequest, WireSocket } from './wire.ts'

declare const toNode: (text: string) => void

declare global {
  // Known to browsers, not yet to the library of types that the house is checked with.
  interface Uint8Array {
    toBase64(): string
  }
  interface Uint8ArrayConstructor {
    fromBase64(text: string): Uint8Array<ArrayBuffer>
  }
}

/** More bytes than these are not on their way to Node at a time. */
const WINDOW = 64 * 1024

const make = { fetch, xhr }
const engines = new Map<number, Engine>()
const exchanges = new Map<number, Remote>()

function tell(message: ToNode): void {
  toNode(JSON.stringify(message))
}

/** An exchange of an engine in this page. */
class Remote implements EventObserver {
  readonly #x: number
  #exchange: Exchange | undefined
  #waiting: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined
  #under = 0
  #paused = false
  #socket: WebSocketConnection | undefined

  constructor(x: number) {
    this.#x = x
  }

  begin(engine: Engine, wire: WireRequest): void {
    let request = new HttpRequest({
      id: wire.id,
      method: wire.method,
      url: wire.url,
      headers: HttpHeaders.of(wire.fields),
      body: this.#body(wire),
      options: {},
      notes: undefined,
    })
    if (wire.attempt > 1) request = request.note(ATTEMPT, wire.attempt)
    if (wire.progress) request = request.note(UPLOAD_PROGRESS, true)
    if (wire.wish !== undefined) request = request.note(WEB_SOCKET, wire.wish)
    this.#exchange = engine.exchange(request, this)
  }

  abort(): void {
    this.#exchange?.abort()
  }

  hold(paused: boolean): void {
    this.#paused = paused
    this.#flow()
  }

  taken(bytes: number): void {
    this.#under -= bytes
    this.#flow()
  }

  say(data: WireMessage): void {
    this.#socket?.send('text' in data ? data.text : Uint8Array.fromBase64(data.bytes), () => {
      tell({ type: 'taken', x: this.#x })
    })
  }

  ping(): void {
    this.#socket?.ping()
  }

  bye(code: number | undefined, reason: string): void {
    this.#socket?.close(code, reason)
  }

  piece(bytes: string | undefined, failed: string | undefined): void {
    if (failed !== undefined) this.#waiting?.reject(new HttpError('BODY', failed, { phase: 'send' }))
    else if (bytes === undefined) this.#waiting?.resolve({ done: true, value: undefined })
    else this.#waiting?.resolve({ done: false, value: Uint8Array.fromBase64(bytes) })
  }

  next(event: HttpEvent): void {
    const x = this.#x
    if (event.type === 'chunk') {
      this.#under += event.bytes.length
      this.#flow()
      tell({ type: 'chunk', x, bytes: event.bytes.toBase64() })
    } else if (event.type === 'head') {
      const { status, statusText, httpVersion, url, headers } = event.head
      tell({
        type: 'event',
        x,
        event: { type: 'head', head: { status, statusText, httpVersion, url } },
        fields: headers.flat,
        socket: this.#open(event.socket),
      })
    } else tell({ type: 'event', x, event })
  }

  error({ code, message, phase, requestWritten }: HttpError): void {
    tell({ type: 'error', x: this.#x, error: { code, message, phase, requestWritten } })
  }

  complete(): void {
    tell({ type: 'complete', x: this.#x })
  }

  #open(socket: WebSocketConnection | undefined): WireSocket | undefined {
    if (socket === undefined) return undefined
    this.#socket = socket
    const x = this.#x
    // In another turn: Node is told of the WebSocket first.
    queueMicrotask(() => {
      socket.listen({
        message(data) {
          tell({ type: 'said', x, data: typeof data === 'string' ? { text: data } : { bytes: data.toBase64() } })
        },
        pong() {
          tell({ type: 'pong', x })
        },
        closed(code, reason) {
          tell({ type: 'closed', x, code, reason })
        },
      })
    })
    const { protocol, compressed, pings } = socket
    return { protocol, compressed, pings }
  }

  #flow(): void {
    if (this.#paused || this.#under > WINDOW) this.#exchange?.pause()
    else this.#exchange?.resume()
  }

  #body({ body }: WireRequest): RequestBody {
    if (body === undefined) return undefined
    if (typeof body === 'string') return Uint8Array.fromBase64(body)
    return {
      length: body.length,
      replayable: body.replayable,
      open: () => ({
        next: () => {
          this.#waiting = Promise.withResolvers()
          tell({ type: 'pull', x: this.#x })
          return this.#waiting.promise
        },
        return: () => {
          tell({ type: 'return', x: this.#x })
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    }
  }
}

function hear(message: ToPage): void {
  switch (message.type) {
    case 'engine':
      engines.set(message.e, make[message.kind](message.options).create())
      break
    case 'end':
      void end(message)
      break
    case 'exchange': {
      const remote = new Remote(message.x)
      exchanges.set(message.x, remote)
      const engine = engines.get(message.e)
      if (engine !== undefined) remote.begin(engine, message.request)
      break
    }
    case 'abort':
      exchanges.get(message.x)?.abort()
      break
    case 'pause':
    case 'resume':
      exchanges.get(message.x)?.hold(message.type === 'pause')
      break
    case 'taken':
      exchanges.get(message.x)?.taken(message.bytes)
      break
    case 'say':
      exchanges.get(message.x)?.say(message.data)
      break
    case 'ping':
      exchanges.get(message.x)?.ping()
      break
    case 'bye':
      exchanges.get(message.x)?.bye(message.code, message.reason)
      break
    case 'piece':
      exchanges.get(message.x)?.piece(message.bytes, message.failed)
      break
  }
}

async function end({ e, how, message, call }: ToPage & { type: 'end' }): Promise<void> {
  const engine = engines.get(e)
  await (how === 'close' ? engine?.close() : engine?.destroy(new HttpError('CANCELLED', message)))
  tell({ type: 'ended', call })
}

/** What is called from Node by name. */
export interface Api {
  /** Takes messages of one turn in Node in one turn here. */
  hear(messages: readonly ToPage[]): void
  capabilities(kind: Kind): Capabilities
}

/** What is called from Node. */
export const api: Api = {
  hear(messages) {
    for (const message of messages) hear(message)
  },
  capabilities: kind => make[kind]().create().capabilities,
}

Object.assign(globalThis, { sluice: { ...api, createClient, fetch, xhr, progress } })
