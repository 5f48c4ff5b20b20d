/** One subscription to a poll: request after request, never two at once. */
import { catchError, defer, EMPTY, mergeMap, of, repeat, takeUntil, timer, type Observable } from 'rxjs'
import { clock, isHttpError, refused, retryAfter, type Client, type HttpResponse, type Url } from '../../src/index.ts'
import { ask, type Asked, type Call } from '../again/asked.ts'
import { Backoff, type BACKOFF } from '../again/backoff.ts'
import { ended } from '../again/ended.ts'
import { askedToWait, worthAnotherTry } from '../again/worth.ts'
import type { RepeatOptions } from './options.ts'

/** The least there is between two requests, in milliseconds, whatever is asked for and however fast answers come. */
export const LEAST = 10

/** {@link RepeatOptions}, checked. */
export interface Repeated extends Omit<RepeatOptions<unknown>, 'backoff'> {
  readonly backoff: typeof BACKOFF
}

/** What all polls do. What is asked next, what counts as new and how long to wait is said by a subclass. */
export abstract class Repeating {
  readonly #client: Client
  readonly #url: Url
  readonly #options: Repeated
  readonly #backoff: Backoff
  #index = 0
  /** True once a request was taken by the client. */
  #begun = false
  #failures = 0
  /** When the last request was sent. */
  #began = 0
  /** Milliseconds to wait at least when this round is over. */
  #atLeast = 0

  constructor(client: Client, url: Url, options: Repeated) {
    this.#client = client
    this.#url = url
    this.#options = options
    this.#backoff = new Backoff(options.backoff)
  }

  run(): Observable<unknown> {
    const end = ended(this.#client)
    // A client that was closed before is asked all the same: it says so.
    const late = this.#client.closed
    return defer(() => (late ? of(undefined) : this.ready().pipe(takeUntil(end)))).pipe(
      mergeMap(() => this.#round()),
      // A wait that ends without a word ends it all: the client was closed.
      repeat({ delay: () => (this.#client.closed ? EMPTY : timer(this.#delay()).pipe(takeUntil(end))) }),
    )
  }

  /** Milliseconds from now to the next request. */
  #delay(): number {
    return Math.max(this.pause(), this.#atLeast)
  }

  /** Emits once when a request may be sent. */
  protected ready(): Observable<unknown> {
    return of(undefined)
  }
  /** The options of the next request. */
  protected abstract call(): Call
  /** Hears an answer with news, before it is handed on. */
  protected abstract hear(asked: Asked): void
  /** True for a failure that only says that there was nothing to tell in time. */
  protected abstract isSilence(error: unknown): boolean
  /** Milliseconds from now to the next request, as far as nobody asks for more. */
  protected abstract pause(): number

  /** Milliseconds from now until `spacing` after the request was sent; a clock that was set back does not make it longer. */
  protected left(spacing: number): number {
    return Math.min(Math.max(this.#began + spacing - clock.now(), 0), spacing)
  }

  #round(): Observable<unknown> {
    const call = this.call()
    this.#began = clock.now()
    return ask(this.#client, this.#url, call).pipe(
      catchError((error: unknown) => {
        // To expectSuccess({ statuses: [200] }) an answer without news is a failure; here it is what was asked for.
        const response = isHttpError(error) && error.code === 'STATUS' ? error.response : undefined
        return response !== undefined && isNothing(response)
          ? of({ response, url: response.url, redirected: false })
          : this.#failed(error)
      }),
      mergeMap(asked => this.#answered(asked)),
    )
  }

  #answered(asked: Asked): Observable<unknown> {
    this.#begun = true
    const { response } = asked
    const nothing = isNothing(response)
    if (!nothing && !response.ok) return this.#failed(refused(response))
    this.#failures = 0
    this.#backoff.reset()
    this.#atLeast = this.#granted(retryAfter(response.head))
    if (!nothing) this.hear(asked)
    return nothing ? EMPTY : this.#handedOn(response)
  }

  #handedOn(response: HttpResponse): Observable<unknown> {
    const { project } = this.#options
    return project === undefined ? of(response) : defer(() => project(response, this.#index++))
  }

  /** Waits out what may go away by itself, and fails with everything else. */
  #failed(error: unknown): Observable<never> {
    // A client that is closed takes no further request, and that is how a poll ends well; not one that never began.
    if (this.#begun && isHttpError(error) && error.code === 'CLOSED' && this.#client.closed) return EMPTY
    this.#begun = true
    if (this.isSilence(error)) {
      this.#atLeast = this.#granted(askedToWait(error))
      return EMPTY
    }
    if (!worthAnotherTry(error)) throw error
    this.#atLeast = this.#backoff.next(askedToWait(error))
    this.#options.onFailure?.({ error, count: ++this.#failures, delay: this.#delay() })
    return EMPTY
  }

  #granted(asked = 0): number {
    return Math.min(asked, this.#options.backoff.mostAsked)
  }
}

/** No content, and nothing changed since. */
function isNothing({ status }: HttpResponse): boolean {
  return status === 204 || status === 304
}
