/** Reads from a socket for as long as a proxy is spoken with, and gives it back as if nobody had ever read from it. */
import type { Socket } from 'node:net'

/** Hears what comes, and that nothing more will. */
export interface ReadingListener {
  took(bytes: Buffer): void
  ended(cause: unknown): void
}

/** Reads until it is stopped. */
export class Reading {
  readonly #socket: Socket
  readonly #listener: ReadingListener
  #fault: unknown
  readonly #onReadable = (): void => {
    for (;;) {
      if (this.#over) return
      const bytes = this.#socket.read() as Buffer | null
      if (bytes === null) return
      this.#listener.took(bytes)
    }
  }
  readonly #onError = (error: unknown): void => {
    this.#fault ??= error
  }
  readonly #onEnd = (): void => {
    if (!this.#over) this.#listener.ended(this.#fault)
  }
  #over = false

  constructor(socket: Socket, listener: ReadingListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('readable', this.#onReadable)
    socket.on('error', this.#onError)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
  }

  /** Hears nothing more. Whoever is next finds the socket neither flowing nor paused. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    this.#socket.off('readable', this.#onReadable)
    this.#socket.off('error', this.#onError)
    this.#socket.off('end', this.#onEnd)
    this.#socket.off('close', this.#onEnd)
  }
}
