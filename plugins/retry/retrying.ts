/** One call and its attempts. */
import { switchMap, throwError, timer, type Observable } from 'rxjs'
import {
  ATTEMPT,
  canBeSentAgain,
  clock,
  DEADLINE,
  describe,
  discard,
  HttpError,
  isHttpError,
  milliseconds,
  notice,
  reissue,
  retryAfter,
  shown,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type ResponseHead,
  type RetryBudget,
} from '../../src/index.ts'
import type { RetryOptions } from './options.ts'
import { isUnsent, worthRepeating } from './worth.ts'

/** Why an outcome that was worth another attempt gets none. */
type Hindrance = 'times' | 'method' | 'body' | 'retry-after' | 'deadline' | 'budget'

type Verdict =
  | { readonly again: true; readonly reason: string; readonly delay: number }
  | {
      readonly again: false
      readonly reason: string
      readonly because: Hindrance
      readonly retryAfterMs: number | undefined
    }

/** Runs the attempts of one call. */
export class Retrying {
  readonly #request: HttpRequest
  readonly #next: Handler
  readonly #options: RetryOptions
  readonly #budget: RetryBudget | false
  #retries = 0
  /** What was decided at the head of an answer, before its body was thrown away. */
  #decided: { readonly status: number; readonly verdict: Verdict | undefined } | undefined
  #over = false

  constructor(request: HttpRequest, next: Handler, options: RetryOptions, budget: RetryBudget | false) {
    const keyless = options.idempotencyKey && !mayBeRepeated(request, options)
    this.#request = keyless ? request.header('idempotency-key', crypto.randomUUID()) : request
    this.#next = next
    this.#options = options
    this.#budget = budget
  }

  run(): Observable<HttpEvent> {
    if (this.#budget !== false) this.#budget.deposit(this.#request.origin)
    return reissue((outcome, tell) => this.#decide(outcome, tell))(this.#send(this.#request))
  }

  #send(request: HttpRequest): Observable<HttpEvent> {
    this.#decided = undefined
    // Whoever decides by the body needs it.
    return this.#next(this.#options.when === undefined ? discard(request, this.#leaves) : request)
  }

  readonly #leaves = (head: ResponseHead): boolean => {
    if (head.status < 400) return false
    const verdict = this.#judge({ head })
    this.#decided = { status: head.status, verdict }
    return verdict?.again === true
  }

  #decide(outcome: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    if (this.#over) return undefined
    const decided = this.#decided
    const known = decided !== undefined && decided.status === outcome.head?.status
    const verdict = known ? decided.verdict : this.#judge(outcome)
    if (verdict === undefined) return undefined
    const attempt = this.#attempt
    const { reason } = verdict
    if (!verdict.again) {
      const { because, retryAfterMs } = verdict
      tell(notice('retry', 'gave up', { attempt, reason, because, retryAfterMs }))
      return this.#giveUp(outcome, because)
    }
    const { delay } = verdict
    const request = this.#request.note(ATTEMPT, attempt + 1)
    this.#retries++
    tell(notice('retry', 'retrying', { attempt: attempt + 1, delay, reason }))
    this.#options.onRetry?.({ attempt: attempt + 1, delay, reason, outcome, request })
    return timer(delay).pipe(switchMap(() => this.#send(request)))
  }

  get #attempt(): number {
    return this.#request.attempt + this.#retries
  }

  #giveUp({ error }: Outcome, because: Hindrance): Observable<HttpEvent> | undefined {
    if (because !== 'budget' || !isHttpError(error)) return undefined
    this.#over = true
    return throwError(() => error.with({ budgetExhausted: true }))
  }

  #judge(outcome: Outcome): Verdict | undefined {
    const { times, retryAfterCap } = this.#options
    const reason = this.#reason(outcome)
    if (reason === undefined) return undefined
    const no = (because: Hindrance, retryAfterMs?: number): Verdict => ({ again: false, reason, because, retryAfterMs })
    const request = this.#request
    if (this.#retries >= times) return no('times')
    if (!mayBeRepeated(request, this.#options) && !isUnsent(outcome)) return no('method')
    if (!canBeSentAgain(request)) return no('body')
    const asked = askedFor(outcome)
    // Longer than a timer can wait is too long without a cap, too.
    if (milliseconds(asked) !== undefined || (retryAfterCap !== false && asked > retryAfterCap))
      return no('retry-after', asked)
    const delay = Math.max(this.#delay(outcome), asked)
    if (clock.now() + delay >= (request.read(DEADLINE) ?? Infinity)) return no('deadline')
    if (this.#budget !== false && !this.#budget.withdraw(request.origin)) return no('budget')
    return { again: true, reason, delay }
  }

  #reason(outcome: Outcome): string | undefined {
    const { when, statuses } = this.#options
    const wanted = when?.(outcome, this.#request)
    if (wanted === false) return undefined
    const reason = worthRepeating(outcome, statuses)
    return reason ?? (wanted === true ? nameOf(outcome) : undefined)
  }

  #delay(outcome: Outcome): number {
    const delay = this.#options.delay(this.#retries + 1, outcome)
    const wanted = milliseconds(delay)
    if (wanted === undefined) return delay
    throw new HttpError(
      'CONFIG',
      `retry({ delay }) must return ${wanted}, not ${shown(delay)}; it was asked about ${describe(this.#request, this.#attempt)}.`,
      { phase: 'config', request: this.#request, attempt: this.#attempt, cause: outcome.error },
    )
  }
}

function mayBeRepeated({ method, headers }: HttpRequest, { methods }: RetryOptions): boolean {
  return methods.includes(method) || headers.has('idempotency-key')
}

function askedFor({ head, error }: Outcome): number {
  return (head === undefined ? isHttpError(error) && error.retryAfterMs : retryAfter(head)) || 0
}

function nameOf({ head, error }: Outcome): string {
  if (head !== undefined) return `status ${head.status}`
  return isHttpError(error) ? error.code : 'an error'
}
