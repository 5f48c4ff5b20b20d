/** Waiting that can be taken back all at once. */
import { clock } from '../../src/index.ts'

/** Calls `work` after `ms` milliseconds; at once for 0, never for `Infinity`. */
export type Wait = (ms: number, work: () => void) => void

/** The timers of one exchange. */
export class Timers {
  readonly #running = new Set<() => void>()

  wait(ms: number, work: () => void): void {
    if (ms <= 0) work()
    else if (ms !== Infinity) this.#schedule(ms, work)
  }

  /** Calls `work` in the next turn. */
  turn(work: () => void): void {
    this.#schedule(0, work)
  }

  /** Takes back all that still waits. */
  clear(): void {
    for (const takeBack of this.#running) takeBack()
    this.#running.clear()
  }

  #schedule(ms: number, work: () => void): void {
    const takeBack = clock.schedule(() => {
      this.#running.delete(takeBack)
      work()
    }, ms)
    this.#running.add(takeBack)
  }
}
