/** Finds out about a peer that is gone without a word. */
import type { Alarm } from '../../src/index.ts'

/** Asks a silent peer for a sign of life, and calls it dead when there is none. */
export class Heartbeat {
  readonly #every: number
  readonly #within: number
  readonly #alarm: Alarm
  #asked = false

  constructor(
    { every, within }: { readonly every: number; readonly within: number },
    alarm: (ring: () => void) => Alarm,
    ask: () => void,
    dead: () => void,
  ) {
    this.#every = every
    this.#within = within
    this.#alarm = alarm(() => {
      if (this.#asked) {
        dead()
        return
      }
      this.#asked = true
      // First: what asking leads to may be that this is stopped.
      this.#alarm.set(this.#within)
      ask()
    })
  }

  /** The peer was heard, or can be heard again. */
  heard(): void {
    this.#asked = false
    this.#alarm.set(this.#every)
  }

  /** Expects nothing until it hears of the peer. */
  stop(): void {
    this.#alarm.stop()
  }
}
