/** When messages were taken. A platform says how much waits, and only when it is asked. */
import { clock } from '../../src/index.ts'

/** How often it is asked, in milliseconds. */
const PACE = 5

/** Asks as long as something waits that somebody wants to know of. */
export class Deliveries {
  readonly #socket: Pick<WebSocket, 'bufferedAmount'>
  /** Up to which byte of all that was sent each message goes. */
  readonly #waiting: { readonly upTo: number; readonly taken: () => void }[] = []
  #sent = 0
  #stop: (() => void) | undefined

  constructor(socket: Pick<WebSocket, 'bufferedAmount'>) {
    this.#socket = socket
  }

  /** A message was sent; `taken` is called once it is with the system. */
  expect(bytes: number, taken: (() => void) | undefined): void {
    this.#sent += bytes
    if (taken === undefined) return
    this.#waiting.push({ upTo: this.#sent, taken })
    this.#askLater()
  }

  stop(): void {
    this.#waiting.length = 0
    this.#stop?.()
  }

  #askLater(): void {
    if (this.#waiting.length === 0) return
    this.#stop ??= clock.schedule(() => {
      this.#stop = undefined
      const gone = this.#sent - this.#socket.bufferedAmount
      while ((this.#waiting[0]?.upTo ?? Infinity) <= gone) this.#waiting.shift()?.taken()
      this.#askLater()
    }, PACE)
  }
}
