/** Kit for plugin authors: limits that move, all of a client on one timer. */
import { clock } from '../clock.ts'
import { Linked, LinkedList } from '../linked.ts'

/** Calls back when a time has passed; made by {@link alarms}. */
export interface Alarm {
  /** Rings `ms` milliseconds from now, whatever was set before. */
  set(ms: number): void
  /** Does not ring any more until it is set again. */
  stop(): void
}

/**
 * Makes alarms that share one timer; call it in `install`. Setting an alarm, and moving it for every chunk of a body,
 * costs a comparison; the timer runs only while an alarm is set. Before an alarm rings, the event loop turns once:
 * after it was blocked, what arrived in the meantime is then seen first, and may move the alarm or stop it.
 *
 * @example
 * ```ts
 * import { alarms } from 'sluice'
 *
 * const alarm = alarms()
 * const silence = alarm(() => console.log('nothing came for 20 ms'))
 * silence.set(10)
 * silence.set(20)
 * ```
 */
export function alarms(): (ring: () => void) => Alarm {
  const shared = new Timer()
  return ring => new Entry(ring, shared)
}

class Entry extends Linked<Entry> implements Alarm {
  readonly ring: () => void
  readonly #timer: Timer
  due = 0
  wait = 0
  /** True when it was let pass once although its time had come. */
  turned = false

  constructor(ring: () => void, timer: Timer) {
    super()
    this.ring = ring
    this.#timer = timer
  }

  set(ms: number): void {
    this.due = clock.now() + ms
    this.wait = ms
    this.turned = false
    this.#timer.add(this)
  }

  stop(): void {
    this.#timer.delete(this)
  }
}

/** Timers do not follow a clock that is set. When the two are apart by more than this, in milliseconds, it was. */
const IMPLAUSIBLE = 1_000

/**
 * A timer that is late says that the loop was blocked; what has piled up may need several turns until an answer is out.
 * So the turn is as long as the timer was late, up to this many milliseconds.
 */
const LONGEST_TURN = 50

/** The timer, and the alarms that are set. */
class Timer {
  readonly #set = new LinkedList<Entry>()
  #takeBack: (() => void) | undefined
  #wakes = Infinity

  add(entry: Entry): void {
    if (entry.list === undefined) this.#set.add(entry)
    if (entry.due < this.#wakes) this.#sleep(entry.due, entry.wait)
  }

  delete(entry: Entry): void {
    if (this.#set.delete(entry) && this.#set.size === 0) this.#stop()
  }

  #sleep(wakes: number, ms: number): void {
    this.#takeBack?.()
    this.#wakes = wakes
    this.#takeBack = clock.schedule(() => {
      this.#wake()
    }, ms)
  }

  #stop(): void {
    this.#takeBack?.()
    this.#takeBack = undefined
    this.#wakes = Infinity
  }

  #wake(): void {
    const now = clock.now()
    const off = now - this.#wakes
    const ringing: Entry[] = []
    let next = Infinity
    this.#stop()
    for (const entry of this.#set) {
      if (Math.abs(off) > IMPLAUSIBLE) correct(entry, now, off)
      if (entry.due > now) next = Math.min(next, entry.due)
      else if (entry.turned) ringing.push(entry)
      else {
        entry.turned = true
        entry.due = now + Math.min(Math.max(off, 0), LONGEST_TURN)
        next = Math.min(next, entry.due)
      }
    }
    if (next !== Infinity) this.#sleep(next, next - now)
    for (const entry of ringing) {
      if (entry.list === undefined) continue
      entry.stop()
      ring(entry)
    }
  }
}

/** Rings; what that throws is reported by itself, so that the other alarms ring too. */
function ring(entry: Entry): void {
  try {
    entry.ring()
  } catch (error) {
    clock.schedule(() => {
      throw error
    }, 0)
  }
}

/** What was set before the clock was is shifted with it; what was set after is right as it is. */
function correct(entry: Entry, now: number, off: number): void {
  if (off > 0) entry.due = Math.min(entry.due + off, now + entry.wait)
  else if (entry.due > now + entry.wait) entry.due += off
}
