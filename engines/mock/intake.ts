/** Takes the body of a request, one chunk at a time, at the pace of a script. */
import type { RequestBody, UploadIterator } from '../../src/index.ts'
import type { Wait } from './timers.ts'

/** How the peer takes a body. */
export interface Pace {
  /** Milliseconds each chunk takes. */
  readonly delay: number
  /** Stops taking after so many bytes. */
  readonly stopAfter: number
  /** Milliseconds a chunk may take, else it is overdue. */
  readonly limit: number
}

/** Hears how a body is taken; nothing after `stop()`. */
export interface IntakeObserver {
  taken(bytes: Uint8Array): void
  /** All of it was taken. */
  whole(): void
  /** No more is taken, though more may be there. */
  stopped(): void
  /** A chunk waited longer than the limit. */
  overdue(): void
  /** The source failed. */
  failed(error: unknown): void
}

/** A body on its way up. */
export class Intake {
  readonly #body: RequestBody
  readonly #pace: Pace
  readonly #observer: IntakeObserver
  readonly #wait: Wait
  /** The source, as long as it has to be told when we leave. */
  #source: UploadIterator | undefined
  #taken = 0
  #over = false

  constructor(body: RequestBody, pace: Pace, wait: Wait, observer: IntakeObserver) {
    this.#body = body
    this.#pace = pace
    this.#wait = wait
    this.#observer = observer
  }

  /** Begins; does nothing after `stop()`. */
  start(): void {
    if (this.#over) return
    if (this.#body === undefined) this.#end()
    else if (this.#body instanceof Uint8Array) {
      this.#accept(this.#body, () => {
        this.#end()
      })
    } else {
      try {
        this.#source = this.#body.open()
      } catch (error) {
        this.#fail(error)
        return
      }
      this.#pull(this.#source)
    }
  }

  /** Takes no more; a source that is not at its end is told so, once. */
  stop(): void {
    this.#over = true
    const source = this.#source
    this.#source = undefined
    // How a source takes its end is its own affair.
    source?.return().catch(() => undefined)
  }

  #pull(source: UploadIterator): void {
    source.next().then(
      step => {
        if (this.#over) return
        if (step.done) {
          this.#source = undefined
          this.#end()
        } else {
          this.#accept(step.value, () => {
            this.#pull(source)
          })
        }
      },
      (error: unknown) => {
        this.#source = undefined
        this.#fail(error)
      },
    )
  }

  #accept(bytes: Uint8Array, then: () => void): void {
    const { delay, limit } = this.#pace
    this.#wait(Math.min(delay, limit), () => {
      if (this.#over) return
      if (delay > limit) this.#observer.overdue()
      else this.#take(bytes, then)
    })
  }

  #take(bytes: Uint8Array, then: () => void): void {
    const { stopAfter, limit } = this.#pace
    const part = bytes.subarray(0, stopAfter - this.#taken)
    this.#taken += part.length
    if (part.length > 0) this.#observer.taken(part.slice())
    if (this.#over) return
    if (this.#taken < stopAfter) {
      then()
      return
    }
    this.#observer.stopped()
    if (limit !== Infinity) {
      this.#wait(limit, () => {
        if (!this.#over) this.#observer.overdue()
      })
    }
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#observer.whole()
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#observer.failed(error)
  }
}
