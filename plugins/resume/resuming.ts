/** One live body and the exchanges that bring it. */
import { timer, type Unsubscribable } from 'rxjs'
import {
  ATTEMPT,
  clock,
  continuable,
  continuation,
  DEADLINE,
  describe,
  DISCARD,
  HttpError,
  isHttpError,
  isTransient,
  milliseconds,
  notice,
  retryAfter,
  shown,
  Source,
  type ErrorCode,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type Representation,
  type ResponseHead,
  type RetryBudget,
  type Sink,
} from '../../src/index.ts'
import type { ResumeOptions } from './options.ts'
import { Part, Relay } from './part.ts'

/** What a continuation must bring to be no failure, in bytes: a server that gives one at a time would be asked for ever. */
const WORTHWHILE = 64 * 1024

const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Answers that ask to come again. */
const isLater = ({ status }: ResponseHead): boolean => LATER.has(status)

/** Ends of a call that nobody should mistake for the break before them. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['CANCELLED', 'CLOSED'])

/** The events of a call whose live body is continued when it breaks off. */
export class Resumed extends Source {
  readonly #make: (sink: Sink) => Resuming

  constructor(request: HttpRequest, next: Handler, options: ResumeOptions, budget: RetryBudget | false) {
    super()
    this.#make = sink => new Resuming({ request, next, options, budget }, sink)
  }

  run(sink: Sink): Unsubscribable {
    return this.#make(sink).begin()
  }
}

interface Surroundings {
  readonly request: HttpRequest
  readonly next: Handler
  readonly options: ResumeOptions
  readonly budget: RetryBudget | false
}

/** Runs one exchange after the other until the body is whole. */
class Resuming implements Unsubscribable {
  readonly #around: Surroundings
  readonly #out: Sink
  readonly #flow = new Relay()
  /** What is being received, once its head said that it can be continued. */
  #what: Representation | undefined
  /** Where the first answer came from: a validator says nothing about another place. */
  #url = ''
  #received = 0
  /** Where the exchange that runs, or broke off last, began. */
  #from = 0
  /** Where the range of the exchange that runs ends; how much the first answer has is for the engine to say. */
  #end = Infinity
  /** Continuations in a row that brought next to nothing, and all of them. */
  #row = 0
  #all = 0
  /** What broke the body, and is the call's error when nothing continues it. */
  #broken: unknown
  #running: Unsubscribable | undefined

  constructor(around: Surroundings, out: Sink) {
    this.#around = around
    this.#out = out
  }

  begin(): this {
    const { request, next, budget } = this.#around
    if (budget !== false) budget.deposit(request.origin)
    this.#run(request, next)
    return this
  }

  unsubscribe(): void {
    this.#running?.unsubscribe()
  }

  #run(request: HttpRequest, next: Handler): void {
    const part = new Part(this.#out, {
      head: head => this.#begins(head),
      bytes: length => this.#takes(length),
      offset: this.#received,
      total: () => this.#what?.total,
      flow: this.#flow,
      first: this.#all === 0,
      broken: error => this.#breaks(error),
      whole: () => this.#isWhole(),
    })
    this.#from = this.#received
    this.#running = part
    part.over(next(request))
  }

  /** Judges the head of an exchange: whether it is the one to be let through, or to go on with. */
  #begins(head: ResponseHead): 'pass' | 'relay' | 'continue' | 'leave' {
    if (this.#all === 0) {
      this.#what = continuable(head)
      this.#url = head.url
      return this.#what === undefined ? 'pass' : 'relay'
    }
    const found = this.#judged(head)
    if ('upTo' in found) {
      const { attempt } = this
      this.#end = found.upTo
      this.#tell('resumed', { attempt, offset: this.#received, total: this.#what?.total })
      return this.#out.closed ? 'leave' : 'continue'
    }
    const { why } = found
    this.unsubscribe()
    if (isLater(head)) this.#again(why, retryAfter(head))
    else this.#giveUp(why, why)
    return 'leave'
  }

  #judged(head: ResponseHead): ReturnType<typeof continuation> {
    if (this.#what === undefined) return { why: 'nothing to continue' }
    if (head.status === 206 && head.url !== this.#url) return { why: 'another place answered' }
    return continuation(head, this.#what, this.#received)
  }

  /** Counts bytes that are to be handed on. What is behind the range that was named would be anything. */
  #takes(length: number): boolean {
    if (this.#received + length <= this.#end) {
      this.#received += length
      return true
    }
    this.unsubscribe()
    const why = 'more than its range was sent'
    this.#giveUp(why, why)
    return false
  }

  /** Hears of an error; true when something is done about it. */
  #breaks(error: unknown): boolean {
    const what = this.#what
    if (what === undefined) return false
    // A continuation that never began is not what broke the body.
    const began = this.#all === 0 || this.#received > this.#from
    if (began || this.#broken === undefined) this.#broken = error
    if (!isHttpError(error) || !isTransient(error) || this.#received >= what.total) {
      if (began || (isHttpError(error) && FINAL.has(error.code))) return false
      this.#giveUp('the continuation failed', reasonOf(error))
      return true
    }
    this.#again(reasonOf(error), error.retryAfterMs)
    return true
  }

  /** An exchange has ended well: is all of the body there? The first answer is; of the rest a server may send less than was asked for. */
  #isWhole(): boolean {
    const what = this.#what
    if (what === undefined || this.#all === 0 || this.#received >= what.total) return true
    const { request } = this.#around
    this.#broken = new HttpError(
      'BODY',
      `The answer to ${describe(request, this.attempt)} ended after ${this.#received} of ${what.total} bytes.`,
      { phase: 'body', request, attempt: this.attempt, requestWritten: 'yes' },
    )
    this.#again('a part', undefined)
    return false
  }

  get attempt(): number {
    return this.#around.request.attempt + this.#all
  }

  #again(reason: string, asked = 0): void {
    const { request, options, budget } = this.#around
    if (this.#received - this.#from >= WORTHWHILE) this.#row = 0
    if (this.#row >= options.times) {
      this.#giveUp('times', reason)
      return
    }
    const { retryAfterCap } = options
    if (milliseconds(asked) !== undefined || (retryAfterCap !== false && asked > retryAfterCap)) {
      this.#giveUp('retry-after', reason)
      return
    }
    let delay: number
    try {
      delay = Math.max(this.#delay(), asked)
    } catch (error) {
      this.#out.error(error)
      return
    }
    if (clock.now() + delay >= (request.read(DEADLINE) ?? Infinity)) {
      this.#giveUp('deadline', reason)
      return
    }
    if (budget !== false && !budget.withdraw(request.origin)) {
      if (isHttpError(this.#broken)) this.#broken = this.#broken.with({ budgetExhausted: true })
      this.#giveUp('budget', reason)
      return
    }
    this.#row++
    this.#all++
    const { attempt } = this
    this.#tell('resuming', { attempt, delay, reason, offset: this.#received, total: this.#what?.total })
    if (this.#out.closed) return
    this.#running = timer(delay).subscribe({
      next: () => {
        this.#run(this.#rest(), this.#around.next)
      },
      error: (error: unknown) => {
        this.#out.error(error)
      },
    })
  }

  /** The request for what is missing. Conditions that were met are not asked again: they would be answered instead. */
  #rest(): HttpRequest {
    const { request } = this.#around
    const headers = request.headers
      .delete('if-none-match')
      .delete('if-modified-since')
      .set('range', `bytes=${this.#received}-`)
      .set('if-range', this.#what?.validator ?? '')
    // What those further out do not want to read is the first answer: they will not see this one.
    return request.with({ headers }).note(ATTEMPT, this.attempt).note(DISCARD, isLater)
  }

  #delay(): number {
    const delay = this.#around.options.delay(this.#row + 1, this.#broken)
    const wanted = milliseconds(delay)
    if (wanted === undefined) return delay
    const { request } = this.#around
    throw new HttpError(
      'CONFIG',
      `resume({ delay }) must return ${wanted}, not ${shown(delay)}; it was asked about ${describe(request, this.attempt)}.`,
      { phase: 'config', request, attempt: this.attempt, cause: this.#broken },
    )
  }

  #giveUp(because: string, reason: string): void {
    this.#tell('gave up', { attempt: this.attempt, because, reason, offset: this.#received })
    this.#out.error(this.#broken)
  }

  #tell(name: string, detail: Readonly<Record<string, unknown>>): void {
    const event: HttpEvent = notice('resume', name, detail)
    this.#out.next(event)
  }
}

function reasonOf(error: unknown): string {
  if (!isHttpError(error)) return 'an error'
  return error.phase === undefined ? error.code : `${error.code} (${error.phase})`
}
