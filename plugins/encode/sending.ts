/** One request: sent with a coding, and once more in another way where the server does not take that one. */
import type { Coding } from '#deflate'
import { switchMap, type Observable } from 'rxjs'
import {
  ATTEMPT,
  discard,
  notice,
  reissue,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type RequestBody,
  type ResponseHead,
} from '../../src/index.ts'
import { encodedBytes, encodedSource } from './encoded.ts'
import { instead, names, type Refusals, type Sent } from './refusals.ts'

/** What a request is sent with. */
export interface Manner {
  readonly coding: Coding
  /** Of `coding`; another one that a server asks for has its default. */
  readonly level: number | undefined
  /** The engine sends a body of any length while it is produced. */
  readonly streams: boolean
}

/** Sends one request. */
export class Sending {
  readonly #request: HttpRequest
  readonly #body: NonNullable<RequestBody>
  readonly #next: Handler
  readonly #manner: Manner
  readonly #refusals: Refusals
  /** What the body was sent with last. */
  #sent: Sent = 'identity'
  #resent = false
  /** To be remembered if the server does not refuse it as well. */
  #guess = false

  constructor(request: HttpRequest, body: NonNullable<RequestBody>, next: Handler, manner: Manner, refusals: Refusals) {
    this.#request = request
    this.#body = body
    this.#next = next
    this.#manner = manner
    this.#refusals = refusals
  }

  run(): Observable<HttpEvent> {
    const coding = this.#refusals.get(this.#request.origin) ?? this.#manner.coding
    if (coding === 'identity') return this.#next(this.#request)
    return reissue((outcome, tell) => this.#decide(outcome, tell))(
      this.#encoded(discard(this.#request, this.#leaves), coding),
    )
  }

  #send(request: HttpRequest, sent: Sent): Observable<HttpEvent> {
    if (sent !== 'identity') return this.#encoded(request, sent)
    this.#sent = sent
    return this.#next(request)
  }

  #encoded(request: HttpRequest, coding: Coding): Observable<HttpEvent> {
    const { coding: wanted, level: given, streams } = this.#manner
    const level = coding === wanted ? given : undefined
    const body = this.#body
    this.#sent = coding
    if (!(body instanceof Uint8Array) && (streams || body.length === undefined))
      return this.#next(withCoding(request, encodedSource(body, coding, level), coding))
    return encodedBytes(request, body, coding, level).pipe(
      switchMap(bytes => {
        if (bytes !== undefined) return this.#next(withCoding(request, bytes, coding))
        // It would not have become smaller.
        this.#sent = 'identity'
        return this.#next(request)
      }),
    )
  }

  /** Nobody will read an answer after which the request is sent again. */
  readonly #leaves = (head: ResponseHead): boolean => this.#other(head) !== undefined && this.#request.replayable

  #other(head: ResponseHead): Sent | undefined {
    return this.#sent === 'identity' || this.#resent ? undefined : instead(head, this.#sent)
  }

  #decide({ head }: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    if (head === undefined) return undefined
    const request = this.#request
    if (this.#resent) {
      this.#learn(head)
      return undefined
    }
    const other = this.#other(head)
    if (other === undefined) return undefined
    const coding = this.#sent
    // Without a list of codings the media type may be to blame, which the next answer tells; a body that can be sent only once gets none.
    if (names(head) || !request.replayable) this.#refusals.set(request.origin, other)
    else this.#guess = true
    if (!request.replayable) return undefined
    this.#resent = true
    tell(notice('encode', 'refused', { coding, instead: other }))
    return this.#send(request.note(ATTEMPT, request.attempt + 1), other)
  }

  #learn(head: ResponseHead): void {
    const { origin } = this.#request
    if (head.status !== 415) {
      if (this.#guess) this.#refusals.set(origin, this.#sent)
      return
    }
    const other = this.#sent === 'identity' ? undefined : instead(head, this.#sent)
    if (other !== undefined) this.#refusals.set(origin, 'identity')
  }
}

function withCoding(request: HttpRequest, body: RequestBody, coding: Coding): HttpRequest {
  return request.with({ body, headers: request.headers.set('content-encoding', coding) })
}
