/** One exchange with the mock: connecting, sending, answering, by a script that is known before or made on the way. */
import type { Exchange } from '../../src/index.ts'
import { wishOf } from '../web-socket/wish.ts'
import { Answering } from './answering.ts'
import { connect } from './connecting.ts'
import { mistake } from './failures.ts'
import type { MockAnswer } from './reply.ts'
import { scriptOf, type Script } from './script.ts'
import { send } from './sending.ts'
import type { Stage } from './stage.ts'

/** Makes an answer when it is asked. */
export type Ask = () => MockAnswer | PromiseLike<MockAnswer>

const PLAIN: Script = scriptOf({})

/** A running exchange. */
export class Run implements Exchange {
  readonly #stage: Stage
  readonly #answering: Answering
  #script: Script = PLAIN
  /** Whom to ask for the script once the request was read. */
  #late: Ask | undefined
  #answered = false

  constructor(stage: Stage) {
    this.#stage = stage
    this.#answering = new Answering(stage)
  }

  /** Begins. What can happen at once has happened when it returns. */
  start(plan: Script | Ask, connectionId: number): void {
    const stage = this.#stage
    stage.guard(() => {
      wishOf(stage.request)
      if (typeof plan !== 'function') this.#script = plan
      else if (isSource(stage.request.body)) this.#late = plan
      else this.#ask(plan)
      const usual = { id: connectionId, protocol: 'http/1.1', reused: false, took: {} } as const
      connect(stage, this.#script, () => {
        const connection = { ...usual, ...this.#script.connection }
        if (!stage.emit({ type: 'connection', connection })) return
        send(stage, this.#script, () => {
          this.#answer()
        })
      })
    })
  }

  pause(): void {
    this.#answering.pause()
  }
  resume(): void {
    this.#answering.resume()
  }
  abort(reason?: unknown): void {
    this.#stage.abort(reason)
  }

  #ask(plan: Ask): void {
    const answer = plan()
    if (isPromise(answer)) {
      // It may fail before somebody waits for it.
      answer.then(undefined, () => undefined)
      this.#late = () => answer
    } else this.#script = scriptOf(answer)
  }

  #answer(): void {
    if (this.#answered) return
    this.#answered = true
    this.#stage.enter('headers')
    const late = this.#late
    if (late === undefined) {
      this.#answering.begin(this.#script)
      return
    }
    this.#stage.guard(() => {
      const answer = late()
      if (isPromise(answer)) this.#await(answer)
      else this.#arrive(answer)
    })
  }

  #await(answer: PromiseLike<MockAnswer>): void {
    const stage = this.#stage
    answer.then(
      value => {
        if (stage.over) return
        stage.guard(() => {
          this.#arrive(value)
        })
      },
      (error: unknown) => {
        stage.fail(error)
      },
    )
  }

  #arrive(answer: MockAnswer): void {
    const script = scriptOf(answer)
    if (script.foresight.length > 0) {
      throw mistake(
        this.#stage.request,
        `it was sent before the function that answers it said ${script.foresight.join(' and ')}; say that in a reply as data`,
      )
    }
    this.#answering.begin(script)
  }
}

function isSource(body: Stage['request']['body']): boolean {
  return body !== undefined && !(body instanceof Uint8Array)
}

function isPromise(value: unknown): value is PromiseLike<MockAnswer> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
