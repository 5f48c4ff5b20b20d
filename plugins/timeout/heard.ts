/** A WebSocket of which every sign of life is told. */
import type { Flow, WebSocketConnection, WebSocketListener } from '../../src/index.ts'

/** Hands everything on; tells of what is heard, and of a goodbye, after which the engine keeps the time. */
export class HeardSocket implements WebSocketConnection {
  readonly #socket: WebSocketConnection
  readonly #flow: Flow
  readonly #heard: () => void
  readonly #bidden: () => void

  /** `flow` is held back and let go in place of the socket. */
  constructor(socket: WebSocketConnection, flow: Flow, heard: () => void, bidden: () => void) {
    this.#socket = socket
    this.#flow = flow
    this.#heard = heard
    this.#bidden = bidden
  }

  get protocol(): string {
    return this.#socket.protocol
  }
  get compressed(): boolean {
    return this.#socket.compressed
  }
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }
  get pings(): boolean {
    return this.#socket.pings
  }

  listen(listener: WebSocketListener): void {
    this.#socket.listen({
      message: data => {
        this.#heard()
        listener.message(data)
      },
      pong: () => {
        this.#heard()
        listener.pong()
      },
      closed: (code, reason) => {
        listener.closed(code, reason)
      },
    })
  }
  send(data: string | Uint8Array, taken?: () => void): void {
    this.#socket.send(data, taken)
  }
  ping(): void {
    this.#socket.ping()
  }
  close(code?: number, reason?: string): void {
    this.#bidden()
    this.#socket.close(code, reason)
  }
  pause(): void {
    this.#flow.pause()
  }
  resume(): void {
    this.#flow.resume()
  }
}
