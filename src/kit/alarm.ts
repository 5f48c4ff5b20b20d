/** Kit for plugin authors: one timer for a limit that moves. */
import { clock } from '../clock.ts'

/** A clock that is off by more than this, in milliseconds, was set by somebody. */
const IMPLAUSIBLE = 1_000

/**
 * Rings when a time has passed. Moving that time further away costs a comparison and no timer, so it can be done for
 * every chunk of a body. Before it rings it lets the event loop turn once: after the loop was blocked, what arrived
 * in the meantime is then seen first, and may move the time or stop the alarm.
 *
 * @example
 * ```ts
 * import { Alarm } from 'sluice'
 *
 * const alarm = new Alarm(() => console.log('nothing came for 20 ms'))
 * alarm.set(10)
 * alarm.set(20)
 * ```
 */
export class Alarm {
  readonly #ring: () => void
  /** Takes the timer back that runs. */
  #takeBack: (() => void) | undefined
  /** When it will wake us, and when we are to ring. */
  #wakes = 0
  #due = 0
  #wait = 0
  #moved = false
  #turned = false

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings `ms` milliseconds from now, whatever was set before. */
  set(ms: number): void {
    this.#due = clock.now() + ms
    this.#wait = ms
    this.#turned = false
    this.#moved = this.#takeBack !== undefined && this.#wakes <= this.#due
    if (this.#moved) return
    this.#takeBack?.()
    this.#sleep(ms)
  }

  /** Does not ring any more until it is set again. */
  stop(): void {
    this.#takeBack?.()
    this.#takeBack = undefined
  }

  #sleep(ms: number): void {
    this.#wakes = clock.now() + ms
    this.#takeBack = clock.schedule(() => {
      this.#wake()
    }, ms)
  }

  #wake(): void {
    this.#takeBack = undefined
    if (this.#moved) {
      this.#moved = false
      this.#sleep(this.#left())
    } else if (this.#turned) this.#ring()
    else {
      this.#turned = true
      this.#sleep(0)
    }
  }

  /** The clock may have been set while we slept, the timer not: what cannot be is taken as the whole wait. */
  #left(): number {
    const left = this.#due - clock.now()
    if (left > this.#wait || left < -IMPLAUSIBLE) return this.#wait
    return Math.max(left, 0)
  }
}
