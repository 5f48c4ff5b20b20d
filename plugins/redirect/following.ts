/** One call and its redirects. */
import { switchMap, timer, type Observable } from 'rxjs'
import {
  describe,
  discard,
  HttpError,
  HttpResponse,
  notice,
  redactUrl,
  reissue,
  retryAfter,
  type ErrorCode,
  type Handler,
  type HttpErrorDetails,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type ResponseHead,
} from '../../src/index.ts'
import { REDIRECTS, type Redirect } from './history.ts'
import { hop, repeatsBody } from './hop.ts'
import { isRedirect, placeOf } from './location.ts'
import type { RedirectOptions } from './options.ts'

const NO_BODY = new Uint8Array(0)
const LONGEST_WAIT = 60_000

/** Follows the redirects of one call. */
export class Following {
  /** What was asked last, as it stood when it was handed further in. */
  #request: HttpRequest
  readonly #next: Handler
  readonly #options: RedirectOptions
  readonly #seen = new Set<string>()
  #history: readonly Redirect[] = []

  constructor(request: HttpRequest, next: Handler, options: RedirectOptions) {
    this.#request = request
    this.#next = next
    this.#options = options
  }

  run(): Observable<HttpEvent> {
    return this.#send(this.#request).pipe(reissue((outcome, tell) => this.#decide(outcome, tell)))
  }

  #send(request: HttpRequest): Observable<HttpEvent> {
    this.#request = request
    return this.#next(discard(request, isRedirect))
  }

  #decide(outcome: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    const { head } = outcome
    if (head === undefined || !isRedirect(head)) return undefined
    const fail = (code: ErrorCode, why: string, details?: HttpErrorDetails): HttpError =>
      this.#error(outcome, head, code, why, details)
    const { limit } = this.#options
    const request = this.#request
    if (this.#history.length >= limit) throw fail('PROTOCOL', `once more than the limit of ${limit}`)
    if (this.#loops(head)) throw fail('PROTOCOL', 'in a loop: the very same request was redirected before')
    const place = placeOf(head, request.url, this.#options)
    if (!(place instanceof URL)) throw fail(place.code, place.why)
    if (repeatsBody(request, head.status) && !request.replayable) {
      throw fail(
        'BODY',
        `with ${head.status}, but its body can be sent only once; give a function that returns a new one, as in () => createReadStream(path)`,
        { phase: 'send' },
      )
    }
    const wait = retryAfter(head) ?? 0
    if (wait > LONGEST_WAIT) throw fail('PROTOCOL', `but asked to wait ${wait} ms before`, { retryAfterMs: wait })
    const { method, url } = request
    const location = place.href
    this.#history = [...this.#history, { status: head.status, method, url, location }]
    const following = this.#keyed(hop(request, head.status, place, this.#options), head).note(REDIRECTS, this.#history)
    tell(
      notice('redirect', 'following', {
        hop: this.#history.length,
        status: head.status,
        method: following.method,
        from: redactUrl(url),
        to: redactUrl(location),
        ...(wait > 0 ? { delay: wait } : {}),
      }),
    )
    return wait === 0 ? this.#send(following) : timer(wait).pipe(switchMap(() => this.#send(following)))
  }

  /** What was sent is compared, cookies and all: a login that comes back to the same url with one is no loop. */
  #loops({ request }: ResponseHead): boolean {
    const sent = JSON.stringify([request.method, request.url, request.headers.flat])
    if (this.#seen.has(sent)) return true
    this.#seen.add(sent)
    return false
  }

  /** An operation that goes on at another url of its origin keeps the key a plugin further in gave it. */
  #keyed(following: HttpRequest, { request: sent }: ResponseHead): HttpRequest {
    const key = sent.headers.get('idempotency-key')
    const goesOn = following.method === this.#request.method && following.origin === this.#request.origin
    return key === undefined || !goesOn ? following : following.header('idempotency-key', key)
  }

  #error(
    { response }: Outcome,
    head: ResponseHead,
    code: ErrorCode,
    why: string,
    details: HttpErrorDetails = {},
  ): HttpError {
    const request = this.#request
    return new HttpError(code, `${describe(request, request.attempt)} was redirected ${why}.`, {
      phase: 'headers',
      request,
      attempt: request.attempt,
      response: response ?? new HttpResponse({ head, bytes: NO_BODY }),
      ...details,
    })
  }
}
