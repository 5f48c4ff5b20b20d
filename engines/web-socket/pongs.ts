/** Answers to pings: to the newest, when the answer to the last one was taken. Who only asks must not fill our memory. */
import type { Sender } from './ws.ts'

/** Answers until it is stopped. */
export class Pongs {
  readonly #sender: Sender
  /** What the newest ping said that is not answered. */
  #asked: Buffer | undefined
  #answering = false
  #stopped = false

  constructor(sender: Sender) {
    this.#sender = sender
  }

  answer(data: Buffer): void {
    // A copy: it is a view of all that arrived with it.
    this.#asked = Buffer.from(data)
    if (!this.#answering) this.#next()
  }

  stop(): void {
    this.#stopped = true
  }

  readonly #next = (): void => {
    const asked = this.#asked
    this.#asked = undefined
    this.#answering = asked !== undefined && !this.#stopped
    if (asked !== undefined && this.#answering) this.#sender.pong(asked, true, this.#next)
  }
}
