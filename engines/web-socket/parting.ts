/** Our goodbye, and the end of the stream behind it. */
import type { Duplex } from 'node:stream'
import { after } from '../connector/after.ts'
import type { Sender } from './ws.ts'

/** How long a stream may take to end behind the last word, in milliseconds. */
const LINGER = 1000

/** Says it once, and ends the stream when it was taken. */
export class Parting {
  readonly #wire: Duplex
  readonly #sender: Sender
  readonly #sever: () => void
  #said = false
  #taken = false
  #onTaken: (() => void) | undefined
  #stopLinger: (() => void) | undefined

  /** `sever` ends the stream at once, when the peer does not. */
  constructor(wire: Duplex, sender: Sender, sever: () => void) {
    this.#wire = wire
    this.#sender = sender
    this.#sever = sever
    wire.once('close', () => this.#stopLinger?.())
  }

  /** Our goodbye was said. */
  get said(): boolean {
    return this.#said
  }
  /** The stream is on its way to its end. */
  get leaving(): boolean {
    return this.#stopLinger !== undefined
  }

  say(code: number | undefined, reason: string): void {
    this.#said = true
    this.#sender.close(code, reason, true, () => {
      this.#taken = true
      if (this.leaving) this.#wire.end()
      this.#onTaken?.()
    })
  }

  /** Waits until it was taken, or cannot be any more: whoever hears of the end may end the connection. */
  whenTaken(work: () => void): void {
    if (this.#taken) work()
    else this.#onTaken = work
  }

  /** Ends the stream behind what was said, and waits for the peer to do so too, not for long. */
  leave(): void {
    if (this.leaving) return
    this.#stopLinger = after(LINGER, this.#sever)
    // What is still being compressed goes before.
    if (this.#taken) this.#wire.end()
    // What still comes is not heard, but it is in the way of the end.
    this.#wire.resume()
  }
}
