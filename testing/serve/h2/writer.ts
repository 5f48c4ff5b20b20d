/** The writing side of an HTTP/2 connection: many streams, one frame at a time. */
import type { Duplex } from 'node:stream'
import { whileHere } from '../gone.ts'
import { Outlet } from '../outlet.ts'

/** Writes frames in the order in which they were given. */
export class FrameWriter {
  readonly #outlet: Outlet
  readonly #gone: AbortSignal
  #turn: Promise<unknown> = Promise.resolve()

  /** `written` is told of every byte the kernel has taken. */
  constructor(socket: Duplex, gone: AbortSignal, written: (bytes: number) => void) {
    this.#outlet = new Outlet(socket, gone, written)
    this.#gone = gone
  }

  /** Writes whole frames when everybody before has written. Rejects with `Gone`. */
  async say(bytes: Uint8Array, every?: number): Promise<void> {
    const release = await this.turn()
    try {
      await this.put(bytes, every)
    } finally {
      release()
    }
  }

  /** Writes whole frames and does not wait. */
  send(bytes: Uint8Array): void {
    // Who cannot be told anything has left, and the account says so.
    this.say(bytes).catch(() => {})
  }

  /** Resolves when nobody else is writing, with what must be called when one has written. Rejects with `Gone`. */
  async turn(): Promise<() => void> {
    const before = this.#turn
    const mine = Promise.withResolvers<undefined>()
    this.#turn = mine.promise
    await whileHere(this.#gone, before)
    return () => {
      mine.resolve(undefined)
    }
  }

  /** Writes in one's own turn, with `every` one byte in so many milliseconds. */
  async put(bytes: Uint8Array, every: number | undefined): Promise<void> {
    this.#outlet.drip(every)
    await this.#outlet.write(bytes)
  }

  /** Does something behind everything that is still to be written. */
  whenWritten(act: () => void): void {
    this.turn().then(
      release => {
        release()
        act()
      },
      () => {},
    )
  }

  /** From now on nobody's turn ever comes. */
  mute(): void {
    this.#turn = new Promise(() => {})
  }
}
