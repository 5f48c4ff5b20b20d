/** One open connection. */
import type { Alarm, HttpRequest, StreamingResponse, WebSocketConnection } from '../../src/index.ts'
import type { WebSocketClose } from './ending.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Letter } from './outbox.ts'

/** What is heard over a connection. */
export interface LinkObserver {
  message(data: string | Uint8Array): void
  /** A sign of life, messages included; told before them. */
  alive(): void
  closed(close: WebSocketClose): void
  /** A message was none. */
  refused(error: unknown): void
  /** It broke off. */
  broke(error: unknown): void
  /** Its exchange has completed; told after `closed`. */
  gone(): void
  /** It says nothing any more. */
  dead(): void
}

/** Sends and hears until it is ended; keeps its peer under observation. */
export class Link {
  readonly socket: WebSocketConnection
  readonly request: HttpRequest
  /** True once what comes first was sent: what is sent now goes out at once. */
  ready = false
  /** True once a goodbye was said. */
  bidden = false
  readonly #response: StreamingResponse
  readonly #heartbeat: Heartbeat | undefined
  readonly #observer: LinkObserver
  readonly #pending = new Set<Letter>()
  #over = false

  constructor(
    response: StreamingResponse,
    socket: WebSocketConnection,
    heartbeat: { readonly every: number; readonly within: number } | false,
    alarm: (ring: () => void) => Alarm,
    observer: LinkObserver,
  ) {
    this.socket = socket
    this.request = response.request
    this.#response = response
    this.#observer = observer
    if (heartbeat === false || !socket.pings) return
    this.#heartbeat = new Heartbeat(
      heartbeat,
      alarm,
      () => socket.ping(),
      () => {
        if (!this.#over) observer.dead()
      },
    )
  }

  /** Begins to hear, the end too. */
  listen(): void {
    if (this.#over) return
    const observer = this.#observer
    const unlessOver = (work: () => void): void => {
      if (!this.#over) work()
    }
    this.#response.read().then(
      () => {
        unlessOver(() => observer.closed({ code: 1006, reason: '' }))
        observer.gone()
      },
      (error: unknown) => observer.broke(error),
    )
    this.socket.listen({
      message: data =>
        unlessOver(() => {
          this.#heard()
          if (!this.#over) observer.message(data)
        }),
      pong: () =>
        unlessOver(() => {
          this.#heard()
        }),
      closed: (code, reason) => unlessOver(() => observer.closed({ code, reason })),
    })
  }

  /** Nothing can be heard while it is held back, so nothing is expected. */
  expect(signs: boolean): void {
    if (this.#over || this.bidden || !signs) this.#heartbeat?.stop()
    else this.#heartbeat?.heard()
  }

  send(letter: Letter): void {
    const { data, taken } = letter
    if (taken === undefined) {
      this.socket.send(data)
      return
    }
    this.#pending.add(letter)
    this.socket.send(data, () => {
      if (this.#pending.delete(letter)) taken()
    })
  }

  /** Says goodbye and waits for the peer's; the engine sees to it that this takes no longer than three seconds. */
  bid({ code, reason }: WebSocketClose): void {
    if (this.bidden || this.#over) return
    this.bidden = true
    this.#heartbeat?.stop()
    this.socket.close(code, reason)
  }

  /** The peer said something that cannot be read: there is no way on over this connection. */
  refuse(error: unknown): void {
    if (this.#over) return
    this.bid({ code: 1007, reason: '' })
    this.#observer.refused(error)
  }

  /** Hears and sends nothing any more. Returns the messages of which somebody waits to hear that they were taken. */
  end(): readonly Letter[] {
    this.#over = true
    this.#heartbeat?.stop()
    const waiting = [...this.#pending]
    this.#pending.clear()
    return waiting
  }

  #heard(): void {
    this.#observer.alive()
    if (!this.bidden && !this.#over) this.#heartbeat?.heard()
  }
}
