/** A WebSocket at the door of an engine: what a case says and hears. */
import type { Engine, Exchange } from '../../src/engine.ts'
import { isHttpError, type HttpError } from '../../src/errors.ts'
import type { HttpEvent, ResponseHead } from '../../src/events.ts'
import { HttpHeaders } from '../../src/headers.ts'
import { HttpRequest } from '../../src/request.ts'
import { WEB_SOCKET, type WebSocketConnection, type WebSocketWish } from '../../src/web-socket.ts'

/** What was heard, in its order: messages, `'pong'`, and how it was closed. */
export type Heard = string | Uint8Array | { readonly closed: number; readonly reason: string } | { readonly pong: true }

/** A WebSocket that somebody listens to. */
export class Talk {
  readonly events: HttpEvent[] = []
  readonly heard: Heard[] = []
  readonly exchange: Exchange
  readonly #wake = new Set<() => void>()
  error: HttpError | undefined
  completed = false
  head: ResponseHead | undefined
  #socket: WebSocketConnection | undefined

  constructor(engine: Engine, request: HttpRequest, onEvent?: (event: HttpEvent, talk: Talk) => void, listens = true) {
    this.exchange = engine.exchange(request, {
      next: event => {
        if (this.over) throw new Error(`${event.type} came after the end`)
        this.events.push(event)
        if (event.type === 'head') {
          this.head = event.head
          this.#socket = event.socket
          if (listens) this.listen()
        }
        onEvent?.(event, this)
        this.#changed()
      },
      error: error => {
        if (this.over) throw new Error('it ended twice', { cause: error })
        this.error = error
        this.#changed()
      },
      complete: () => {
        if (this.over) throw new Error('it ended twice')
        this.completed = true
        this.#changed()
      },
    })
  }

  get over(): boolean {
    return this.completed || this.error !== undefined
  }

  get socket(): WebSocketConnection {
    if (this.#socket === undefined) throw new Error('there is no WebSocket', { cause: this.error })
    return this.#socket
  }

  /** The text of the answer, where the handshake was refused. */
  get body(): string {
    return Buffer.concat(this.events.flatMap(event => (event.type === 'chunk' ? [event.bytes] : []))).toString()
  }

  listen(): void {
    this.#socket?.listen({
      message: data => {
        this.#hear(data)
      },
      pong: () => {
        this.#hear({ pong: true })
      },
      closed: (closed, reason) => {
        this.#hear({ closed, reason })
      },
    })
  }

  /** Resolves when it is so; rejects with what there is after five seconds. */
  async until(what: string, condition: (talk: this) => boolean, ms = 5000): Promise<this> {
    const end = performance.now() + ms
    while (!condition(this)) {
      const left = end - performance.now()
      if (left <= 0) {
        const heard = JSON.stringify(this.heard.map(one => (one instanceof Uint8Array ? `${one.length} bytes` : one)))
        throw new Error(`waited ${ms} ms in vain: ${what}; heard ${heard.slice(0, 500)}`, { cause: this.error })
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, Math.min(left, 20))
        const wake = this.#wake
        wake.add(done)
        function done(): void {
          clearTimeout(timer)
          wake.delete(done)
          resolve()
        }
      })
    }
    return this
  }

  async open(): Promise<this> {
    await this.until('it is open', talk => talk.head !== undefined || talk.over)
    if (this.#socket === undefined && !isHttpError(this.error)) throw new Error(`it is not open: ${this.head?.status}`)
    if (this.error !== undefined) throw this.error
    return this
  }

  async end(): Promise<this> {
    return await this.until('its end', talk => talk.over)
  }

  async hears(count: number): Promise<readonly Heard[]> {
    await this.until(`${count} things were heard`, talk => talk.heard.length >= count || talk.over)
    return this.heard
  }

  #hear(what: Heard): void {
    this.heard.push(what)
    this.#changed()
  }

  #changed(): void {
    for (const wake of [...this.#wake]) wake()
  }
}

/** The handshake, as the core hands it to an engine. */
export function asking(
  url: string,
  wish: Partial<WebSocketWish> = {},
  headers: Record<string, string> = {},
): HttpRequest {
  return new HttpRequest({
    id: 1,
    method: 'GET',
    url: new URL(url.replace(/^ws/, 'http')).href,
    headers: HttpHeaders.of(headers),
    body: undefined,
    options: {},
    notes: undefined,
  }).note(WEB_SOCKET, { protocols: [], compress: false, maxMessage: 1024 * 1024, ...wish })
}
