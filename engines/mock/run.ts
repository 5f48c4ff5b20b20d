/** One exchange with the mock: plays a script, phase by phase, until it settles. */
import {
  clock,
  isHttpError,
  LIMITS,
  UPLOAD_PROGRESS,
  type EventObserver,
  type Exchange,
  type HttpError,
  type HttpEvent,
  type HttpRequest,
} from '../../src/index.ts'
import { asTime, connect } from './connecting.ts'
import { excess, failure, mistake, reset, timeout, truncated } from './failures.ts'
import type { Outcome, Recording } from './history.ts'
import { Intake } from './intake.ts'
import { Playback } from './playback.ts'
import type { MockAnswer } from './reply.ts'
import { scriptOf, type Fault, type Script } from './script.ts'
import { Timers } from './timers.ts'

/** Makes an answer when it is asked. */
export type Ask = () => MockAnswer | PromiseLike<MockAnswer>

/** What is to be played, or who is to be asked for it. */
export type Plan = Script | Ask

const PLAIN: Script = scriptOf({})

/** A running exchange. */
export class Run implements Exchange {
  readonly #request: HttpRequest
  readonly #observer: EventObserver
  readonly #recording: Recording
  readonly #settled: (run: Run) => void
  readonly #timers = new Timers()
  #script: Script = PLAIN
  /** Whom to ask for the script once the request was read. */
  #late: Ask | undefined
  #intake: Intake | undefined
  #playback: Playback | undefined
  #answering = false
  #over = false

  constructor(request: HttpRequest, observer: EventObserver, recording: Recording, settled: (run: Run) => void) {
    this.#request = request
    this.#observer = observer
    this.#recording = recording
    this.#settled = settled
  }

  get request(): HttpRequest {
    return this.#request
  }

  /** Begins. What can happen at once has happened when it returns. */
  start(plan: Plan, connectionId: number): void {
    this.#guard(() => {
      if (typeof plan !== 'function') this.#script = plan
      else if (isSource(this.#request.body)) this.#late = plan
      else this.#ask(plan)
      this.#connect(connectionId)
    })
  }

  pause(): void {
    if (this.#over || this.#recording.paused) return
    this.#recording.paused = true
    this.#recording.pauses++
    this.#playback?.pause()
  }

  resume(): void {
    if (this.#over || !this.#recording.paused) return
    this.#recording.paused = false
    this.#playback?.resume()
  }

  abort(reason?: unknown): void {
    if (this.#over) return
    this.#recording.reason = reason
    this.#settle('aborted')
  }

  /** Ends it with an error, in whatever phase it is. */
  fail(error: unknown): void {
    if (this.#over) return
    const { attempt } = this.#request
    const named =
      isHttpError(error) && error.request === undefined ? error.with({ request: this.#request, attempt }) : error
    this.#recording.error = named
    this.#settle('failed')
    // What a handler of a test throws, an assertion for example, arrives as it is.
    this.#observer.error(named as HttpError)
  }

  #ask(plan: Ask): void {
    const answer = plan()
    if (isPromise(answer)) {
      // It may fail before somebody waits for it.
      answer.then(undefined, () => undefined)
      this.#late = () => answer
    } else this.#script = scriptOf(answer)
  }

  #connect(connectionId: number): void {
    const { connection, fault } = this.#script
    connect(this.#request.read(LIMITS) ?? {}, connection.took ?? {}, fault, this.#timers.wait, {
      entered: phase => {
        this.#recording.phase = phase
      },
      connected: () => {
        this.#recording.phase = 'send'
        const usual = { id: connectionId, protocol: 'http/1.1', reused: false, took: {} } as const
        if (this.#emit({ type: 'connection', connection: { ...usual, ...connection } })) this.#send(fault)
      },
      overdue: (phase, ms) => {
        this.fail(timeout(this.#request, phase, ms))
      },
      struck: struck => {
        this.#strike(struck)
      },
    })
  }

  #send(fault: Fault | undefined): void {
    const strikes = fault?.at === 'send' ? fault : undefined
    const { body } = this.#request
    if (strikes !== undefined && (strikes.kind === 'error' || body === undefined)) {
      this.#strikeHead(strikes)
      return
    }
    if (!this.#emit({ type: 'sent' })) return
    const limit = asTime(this.#request.read(LIMITS)?.send)
    const pace = { delay: this.#script.readDelay, stopAfter: strikes?.after ?? Infinity, limit }
    this.#intake = new Intake(body, pace, this.#timers.wait, {
      taken: bytes => {
        this.#take(bytes)
      },
      whole: () => {
        if (strikes === undefined) this.#read()
        else
          this.fail(
            mistake(
              this.#request,
              `its body ended before the ${strikes.after} bytes after which ${strikes.kind} 'send' was to happen`,
            ),
          )
      },
      stopped: () => {
        if (strikes !== undefined) this.#strike(strikes)
      },
      overdue: () => {
        this.fail(timeout(this.#request, 'send', limit))
      },
      failed: error => {
        this.fail(error)
      },
    })
    if (this.#script.answersAfter === 0) this.#answer()
    if (!this.#over) this.#intake.start()
  }

  /** Without a body the head is all there is to break off in. */
  #strikeHead(fault: Fault): void {
    if (fault.kind === 'stall') {
      this.fail(mistake(this.#request, "it has no body, so sending it cannot stall; use { stall: 'headers' }"))
    } else this.#strike(fault)
  }

  #take(bytes: Uint8Array): void {
    const { body } = this.#recording
    body.take(bytes)
    if (this.#progress(false) && body.length >= this.#script.answersAfter) this.#answer()
  }

  #read(): void {
    if (this.#progress(true)) this.#answer()
  }

  /** Tells how far the upload is, if that was asked for. False when nobody listens any more. */
  #progress(done: boolean): boolean {
    const { body } = this.#request
    if (body === undefined || this.#request.read(UPLOAD_PROGRESS) !== true) return true
    const loaded = this.#recording.body.length
    const total = body.length ?? (done ? loaded : undefined)
    // The last chunk of a known length is told of once, at the end.
    if (!done && loaded === total) return true
    return this.#emit({ type: 'progress', way: 'up', loaded, total, ...(done ? { done } : {}) })
  }

  #answer(): void {
    if (this.#answering) return
    this.#answering = true
    this.#recording.phase = 'headers'
    const late = this.#late
    if (late === undefined) {
      this.#begin()
      return
    }
    this.#guard(() => {
      const answer = late()
      if (!isPromise(answer)) this.#arrive(answer)
      else {
        answer.then(
          value => {
            this.#guard(() => {
              this.#arrive(value)
            })
          },
          (error: unknown) => {
            this.fail(error)
          },
        )
      }
    })
  }

  #arrive(answer: MockAnswer): void {
    if (this.#over) return
    this.#script = scriptOf(answer)
    const { foresight } = this.#script
    if (foresight.length > 0) {
      const what = foresight.join(' and ')
      throw mistake(
        this.#request,
        `a function that is asked when the request was read answered with ${what}, which is of the time before; give such a reply as data`,
      )
    }
    this.#begin()
  }

  #begin(): void {
    const { informational, delay, fault } = this.#script
    for (const { status, headers } of informational) {
      if (!this.#emit({ type: 'informational', status, headers })) return
    }
    this.#timers.wait(delay, () => {
      if (fault === undefined || fault.at === 'body') this.#head(fault)
      else this.#strike(fault)
    })
  }

  #head(fault: Fault | undefined): void {
    const { status, statusText, headers, chunks, bodyDelay } = this.#script
    const request = this.#request
    const recording = this.#recording
    recording.status = status
    recording.phase = 'body'
    const httpVersion = this.#script.connection.protocol?.startsWith('h2') === true ? '2' : '1.1'
    const head = { status, statusText, headers, httpVersion, url: request.url, request } as const
    if (!this.#emit({ type: 'head', head, flow: this })) return
    if (request.method === 'HEAD' || status === 204 || status === 304) {
      this.#complete()
      return
    }
    const length = headers.get('content-length')
    const promised = length === undefined ? undefined : Number(length)
    this.#playback = new Playback(chunks, fault?.after, this.#timers.wait, {
      chunk: bytes => {
        recording.delivered += bytes.length
        if (promised !== undefined && recording.delivered > promised) this.fail(excess(request, promised))
        else this.#emit({ type: 'chunk', bytes })
      },
      struck: () => {
        if (fault !== undefined) this.#strike(fault)
      },
      whole: () => {
        if (promised === undefined || recording.delivered === promised) this.#end()
        else this.fail(truncated(request, recording.delivered, promised))
      },
      failed: error => {
        this.fail(error)
      },
    })
    if (recording.paused) this.#playback.pause()
    this.#playback.start(bodyDelay)
  }

  #end(): void {
    const { trailers } = this.#script
    if (trailers !== undefined && !this.#emit({ type: 'trailers', headers: trailers })) return
    this.#complete()
  }

  #complete(): void {
    this.#settle('completed')
    this.#observer.complete()
  }

  #strike(fault: Fault): void {
    const request = this.#request
    switch (fault.kind) {
      case 'stall':
        this.#recording.phase = fault.at
        break
      case 'reset':
        this.fail(reset(request, fault.at, this.#script.connection.reused))
        break
      case 'cut': {
        const length = this.#script.headers.get('content-length')
        this.fail(truncated(request, this.#recording.delivered, length === undefined ? undefined : Number(length)))
        break
      }
      case 'failure':
        this.fail(failure(request, fault.code, fault.at))
        break
      case 'error':
        this.fail(fault.error)
    }
  }

  /** Tells the observer; false when the exchange is over then. */
  #emit(event: HttpEvent): boolean {
    this.#observer.next(event)
    return !this.#over
  }

  #settle(outcome: Outcome): void {
    this.#over = true
    this.#timers.clear()
    this.#recording.outcome = outcome
    this.#recording.endedAt = clock.now()
    this.#recording.paused = false
    this.#intake?.stop()
    this.#playback?.stop()
    this.#settled(this)
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(error)
    }
  }
}

function isSource(body: HttpRequest['body']): boolean {
  return body !== undefined && !(body instanceof Uint8Array)
}

function isPromise(value: unknown): value is PromiseLike<MockAnswer> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
