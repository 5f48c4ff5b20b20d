/** The client's end of a scripted WebSocket. */
import type { WebSocketConnection, WebSocketListener, WebSocketWish } from '../../src/index.ts'
import { BROKEN_OFF, tooLong } from '../web-socket/faults.ts'
import { socketFailed } from './failures.ts'
import type { Minutes } from './history.ts'
import { Peer, type MockPeer, type MockStep } from './peer.ts'
import type { Stage } from './stage.ts'

/** How long a peer may take to say goodbye, in milliseconds. */
const FAREWELL = 3000

const encoder = new TextEncoder()

/** What the client says and the peer has not taken yet. */
type Said =
  | { readonly data: string | Uint8Array; readonly size: number; readonly taken: (() => void) | undefined }
  | { readonly code: number; readonly reason: string }

/** Hears the peer unless it is held back, and is taken from at the pace of a script. */
export class MockConnection implements WebSocketConnection {
  readonly protocol: string
  readonly compressed: boolean
  readonly pings = true
  bufferedAmount = 0
  readonly #stage: Stage
  readonly #wish: WebSocketWish
  readonly #readDelay: number
  readonly #minutes: Minutes = { messages: [], pings: 0, close: undefined }
  readonly #peer: Peer
  readonly #heard: ((listener: WebSocketListener) => void)[] = []
  readonly #said: Said[] = []
  #listener: WebSocketListener | undefined
  #telling = false
  #taking = false
  /** The peer hears what was said as soon as it was told of the head, too. */
  #begun = false
  #stalled = false
  /** The client has said goodbye. */
  #closing = false
  /** The peer has. */
  #closed = false
  #goodbye = { code: 1006, reason: '' }

  constructor(
    stage: Stage,
    wish: WebSocketWish,
    { protocol, compressed, readDelay }: { protocol: string; compressed: boolean; readDelay: number },
  ) {
    this.protocol = protocol
    this.compressed = compressed
    this.#stage = stage
    this.#wish = wish
    this.#readDelay = readDelay
    this.#peer = new Peer(stage, this)
    stage.recording.webSocket = this.#minutes
  }

  /** Lets the peer begin, in a turn of its own: whoever hears of the socket may leave at once. */
  begin(plan: readonly MockStep[] | ((peer: MockPeer) => void)): void {
    this.#stage.turn(() => {
      this.#begun = true
      this.#peer.play(plan)
      this.#take()
    })
  }

  // What the client does.

  listen(listener: WebSocketListener): void {
    this.#listener = listener
    this.#tell()
  }

  pause(): void {
    const { recording, over } = this.#stage
    if (over || recording.paused) return
    recording.paused = true
    recording.pauses++
  }

  resume(): void {
    const { recording, over } = this.#stage
    if (over || !recording.paused) return
    recording.paused = false
    this.#tell()
  }

  send(data: string | Uint8Array, taken?: () => void): void {
    if (this.#deaf) return
    const size = typeof data === 'string' ? encoder.encode(data).length : data.length
    this.bufferedAmount += size
    // A copy: whoever changes what it has sent must not change what was.
    this.#say({ data: typeof data === 'string' ? data : data.slice(), size, taken })
  }

  ping(): void {
    if (this.#deaf) return
    this.#minutes.pings++
    if (!this.#stalled)
      this.#stage.turn(() => {
        this.#hear(listener => {
          listener.pong()
        })
      })
  }

  close(code?: number, reason = ''): void {
    if (this.#deaf) return
    this.#closing = true
    this.#say({ code: code ?? 1005, reason })
    this.#stage.wait(FAREWELL, () => {
      this.#end(this.#goodbye.code, this.#goodbye.reason)
    })
  }

  // What the peer does.

  hear(data: string | Uint8Array): void {
    if (this.#mute) return
    const size = typeof data === 'string' ? encoder.encode(data).length : data.length
    const copy = typeof data === 'string' ? data : data.slice()
    this.#hear(listener => {
      if (size > this.#wish.maxMessage) {
        this.#minutes.close ??= { code: 1009, reason: '' }
        this.#stage.fail(socketFailed(tooLong(this.#wish.maxMessage), this.#stage.request))
        return
      }
      this.#stage.recording.delivered += size
      listener.message(copy)
    })
  }

  hearClose(code: number, reason: string): void {
    if (this.#mute) return
    this.#closed = true
    this.#goodbye = { code, reason }
    this.#hear(() => {
      // A goodbye is answered with its code (RFC 6455 §5.5.1).
      this.#minutes.close ??= { code, reason: '' }
      this.#end(code, reason)
    })
  }

  breakOff(): void {
    if (this.#mute) return
    // What it said before is heard first.
    this.#hear(() => {
      this.#stage.fail(socketFailed(BROKEN_OFF, this.#stage.request))
    })
    this.#closed = true
  }

  stall(): void {
    this.#stalled = true
  }

  /** Nothing the client says is taken any more. */
  get #deaf(): boolean {
    return this.#closing || this.#closed || this.#stage.over
  }
  /** Nothing the peer says gets there any more. */
  get #mute(): boolean {
    return this.#closed || this.#stalled || this.#stage.over
  }

  #hear(what: (listener: WebSocketListener) => void): void {
    this.#heard.push(what)
    this.#tell()
  }

  /** Tells what is heard, in its order, as long as nothing holds it back. */
  #tell(): void {
    if (this.#telling) return
    this.#telling = true
    while (this.#listener !== undefined && !this.#stage.recording.paused && !this.#stage.over) {
      const one = this.#heard.shift()
      if (one === undefined) break
      one(this.#listener)
    }
    this.#telling = false
  }

  #say(what: Said): void {
    this.#said.push(what)
    this.#take()
  }

  /** The peer takes one after the other, never in the turn in which it was said. */
  #take(): void {
    const next = this.#said[0]
    if (next === undefined || this.#taking || !this.#begun || this.#stage.over) return
    this.#taking = true
    const take = (): void => {
      if (this.#stalled) return
      this.#said.shift()
      this.#taking = false
      this.#took(next)
      if (!this.#stage.over) this.#take()
    }
    if (this.#readDelay === 0) this.#stage.turn(take)
    else this.#stage.wait(this.#readDelay, take)
  }

  #took(said: Said): void {
    if ('data' in said) {
      this.bufferedAmount -= said.size
      this.#minutes.messages.push(said.data)
      said.taken?.()
      if (!this.#stage.over) this.#peer.took(said.data)
      return
    }
    this.#minutes.close = { code: said.code, reason: said.reason }
    this.hearClose(said.code, '')
  }

  #end(code: number, reason: string): void {
    this.#listener?.closed(code, reason)
    this.#stage.complete()
  }
}
