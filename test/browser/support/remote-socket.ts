/** The side of Node of a WebSocket that is open elsewhere. */
import type { WebSocketConnection, WebSocketListener } from '../../../src/index.ts'
import type { Channel } from './remote.ts'
import type { ToNode, WireSocket } from './wire.ts'

type Heard = Extract<ToNode, { readonly type: 'said' | 'closed' }> | { readonly type: 'pong'; readonly x: number }

/** Passes on what is said, and hears what is heard there: a moment later, in its order. */
export class RemoteSocket implements WebSocketConnection {
  readonly protocol: string
  readonly compressed: boolean
  readonly pings: boolean
  readonly #channel: Channel
  readonly #x: number
  readonly #held: Heard[] = []
  readonly #sent: { readonly size: number; readonly taken: (() => void) | undefined }[] = []
  #listener: WebSocketListener | undefined
  #paused = false

  constructor(channel: Channel, x: number, { protocol, compressed, pings }: WireSocket) {
    this.#channel = channel
    this.#x = x
    this.protocol = protocol
    this.compressed = compressed
    this.pings = pings
  }

  get bufferedAmount(): number {
    return this.#sent.reduce((sum, { size }) => sum + size, 0)
  }

  listen(listener: WebSocketListener): void {
    this.#listener = listener
    this.#tell()
  }

  pause(): void {
    this.#paused = true
    this.#channel.tell({ type: 'pause', x: this.#x })
  }

  resume(): void {
    this.#paused = false
    this.#channel.tell({ type: 'resume', x: this.#x })
    this.#tell()
  }

  send(data: string | Uint8Array, taken?: () => void): void {
    this.#sent.push({ size: Buffer.byteLength(data), taken })
    const wire = typeof data === 'string' ? { text: data } : { bytes: Buffer.from(data).toString('base64') }
    this.#channel.tell({ type: 'say', x: this.#x, data: wire })
  }

  ping(): void {
    this.#channel.tell({ type: 'ping', x: this.#x })
  }

  close(code?: number, reason = ''): void {
    this.#channel.tell({ type: 'bye', x: this.#x, code, reason })
  }

  hear(message: Heard | { readonly type: 'taken'; readonly x: number }): void {
    if (message.type === 'taken') {
      this.#sent.shift()?.taken?.()
      return
    }
    this.#held.push(message)
    this.#tell()
  }

  #tell(): void {
    while (this.#listener !== undefined && !this.#paused) {
      const next = this.#held.shift()
      if (next === undefined) return
      if (next.type === 'pong') this.#listener.pong()
      else if (next.type === 'closed') this.#listener.closed(next.code, next.reason)
      else {
        const { data } = next
        this.#listener.message('text' in data ? data.text : new Uint8Array(Buffer.from(data.bytes, 'base64')))
      }
    }
  }
}
