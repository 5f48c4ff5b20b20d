/** What the parts of an exchange share: somebody to tell, time to wait, and the end, which comes once. */
import {
  clock,
  isHttpError,
  type EventObserver,
  type HttpError,
  type HttpEvent,
  type HttpRequest,
  type Phase,
} from '../../src/index.ts'
import { errorOf } from './failures.ts'
import type { Outcome, Recording } from './history.ts'
import type { Fault, Script } from './script.ts'
import { Timers, type Wait } from './timers.ts'

/** The stage on which a script is played. */
export class Stage {
  readonly request: HttpRequest
  readonly recording: Recording
  readonly #observer: EventObserver
  readonly #timers = new Timers()
  readonly #leaving: (() => void)[] = []
  #over = false

  constructor(request: HttpRequest, observer: EventObserver, recording: Recording) {
    this.request = request
    this.recording = recording
    this.#observer = observer
  }

  /** True once it has settled. */
  get over(): boolean {
    return this.#over
  }

  /** Waits, unless it settles before. */
  readonly wait: Wait = (ms, work) => {
    this.#timers.wait(ms, work)
  }

  /** Lets other work of this turn happen first. */
  turn(work: () => void): void {
    this.#timers.turn(work)
  }

  /** Registers what has to be let go of at the end, whichever it is. */
  onEnd(leave: () => void): void {
    this.#leaving.push(leave)
  }

  enter(phase: Phase): void {
    this.recording.phase = phase
  }

  /** Tells the observer; false when nobody listens any more. */
  emit(event: HttpEvent): boolean {
    this.#observer.next(event)
    if (this.#observer.closed?.() === true) this.abort()
    return !this.#over
  }

  /** Lets the fault of a script happen. */
  strike(fault: Fault, script: Script): void {
    const error = errorOf(fault, script, this.request, this.recording.delivered)
    this.enter(fault.at)
    if (error !== undefined) this.fail(error)
  }

  /** Does what may throw, and fails with that. */
  guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    if (this.#over) return
    const { request } = this
    const named =
      isHttpError(error) && error.request === undefined ? error.with({ request, attempt: request.attempt }) : error
    this.recording.error = named
    this.#settle('failed')
    // What the handler of a test throws, an assertion for example, arrives as it is.
    this.#observer.error(named as HttpError)
  }

  complete(): void {
    if (this.#over) return
    this.#settle('completed')
    this.#observer.complete()
  }

  abort(reason?: unknown): void {
    if (this.#over) return
    this.recording.reason = reason
    this.#settle('aborted')
  }

  #settle(outcome: Outcome): void {
    this.#over = true
    this.#timers.clear()
    this.recording.outcome = outcome
    this.recording.endedAt = clock.now()
    this.recording.paused = false
    for (const leave of this.#leaving) leave()
  }
}
