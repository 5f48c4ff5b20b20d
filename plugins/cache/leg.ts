/** One exchange with the server: its answer is judged first, and recorded on its way out. */
import { answered, Stage, type AnswerEvent, type HttpEvent, type Sink } from '../../src/index.ts'
import type { Recording } from './recording.ts'

/** Who judges. */
export interface Judge {
  judge(event: AnswerEvent, leg: Leg): void
  /** True when something else is done about the error. */
  fails(error: unknown): boolean
}

/** The events of one exchange on their way out. */
export class Leg extends Stage {
  readonly #judge: Judge
  #passed = false
  #recording: Recording | undefined

  constructor(judge: Judge, out: Sink) {
    super(out)
    this.#judge = judge
  }

  /** Lets an answer through; its body goes into the recording too. */
  pass(event: HttpEvent, recording: Recording | undefined): void {
    this.#passed = true
    this.#recording = recording
    super.next(event)
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    if (!this.#passed && answered(event)) {
      this.#judge.judge(event, this)
      return
    }
    if (event.type === 'chunk') this.#recording?.write(event.bytes)
    super.next(event)
  }

  override error(error: unknown): void {
    if (this.ended) return
    if (this.#passed || !this.#judge.fails(error)) super.error(error)
  }

  override complete(): void {
    if (this.ended) return
    this.#recording?.commit()
    super.complete()
  }

  override unsubscribe(): void {
    super.unsubscribe()
    this.#recording?.leave()
  }
}
