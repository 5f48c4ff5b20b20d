/** One call that carries a token: waits for it, sends with it, and once more with another one when it was refused. */
import { EMPTY, isObservable, of, switchMap, type Observable, type Unsubscribable } from 'rxjs'
import {
  canBeSentAgain,
  discard,
  LIVE,
  notice,
  reissue,
  run,
  Source,
  type Flow,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type Outcome,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import type { HeldToken } from './held-token.ts'

/** Who needs a token, and what for. */
export interface Asking {
  readonly request: HttpRequest
  /** The answer by which a token was refused. */
  readonly head?: ResponseHead | undefined
  /** True when this call has waited for a new token before: it does not ask for a second one. */
  readonly renewed?: boolean | undefined
  /** Tells the call what happens. */
  readonly tell: (name: string, detail?: Readonly<Record<string, unknown>>) => void
  /** Says that this call waits for a new token; false when it was left for that, and waits for nothing. */
  readonly renews: (detail: Readonly<Record<string, unknown>>) => boolean
}

/** A token now, or later; `undefined` when there is none. */
export type TokenAnswer = HeldToken | undefined | Observable<HeldToken | undefined>

/** Where tokens come from. */
export interface Supply {
  /** The token to send with. */
  token(asking: Asking): TokenAnswer
  /** One in place of another that was refused. */
  other(refused: HeldToken | undefined, asking: Asking): TokenAnswer
  /** True when there may be one in its place; a call that has `renewed` gets none that is made for it. */
  replaceable(refused: HeldToken | undefined, renewed: boolean): boolean
  /** Says that a token was refused, where nobody asks for another one yet. */
  refuse(token: HeldToken | undefined, renewed: boolean): void
}

/** What a call with a token is made of. */
export interface CarryingParts {
  /** The name of the plugin, for its notices. */
  readonly plugin: string
  readonly request: HttpRequest
  readonly next: Handler
  readonly supply: Supply
  /** Which answers refuse a token. */
  readonly when: (head: ResponseHead) => boolean
}

/** Runs what `make` makes, once a subscription. */
export function carried(make: (sink: Sink) => Carrying): Observable<HttpEvent> {
  return new Carried(make)
}

class Carried extends Source {
  readonly #make: (sink: Sink) => Carrying

  constructor(make: (sink: Sink) => Carrying) {
    super()
    this.#make = make
  }

  run(sink: Sink): Unsubscribable {
    return run(this.#make(sink).events(), sink)
  }
}

const NO_FLOW: Flow = { pause() {}, resume() {} }

/** How often one call may be asked for the same token in another form. */
const MOST_AGAIN = 2

/** Sends one request with a token. */
export class Carrying {
  protected readonly parts: CarryingParts
  readonly #sink: Sink
  readonly #asking: Asking
  #token: HeldToken | undefined
  /** What `when` said of the answer to the last send. */
  #judged: { readonly status: number; readonly refused: boolean } | undefined
  #again = 0
  #waited = false
  #replayed = false
  #over = false

  constructor(parts: CarryingParts, sink: Sink) {
    this.parts = parts
    this.#sink = sink
    this.#asking = {
      request: parts.request,
      tell: this.tell,
      renews: detail => {
        this.#waited = true
        this.tell('refreshing', detail)
        return !this.#sink.closed
      },
    }
  }

  events(): Observable<HttpEvent> {
    const token = this.parts.supply.token(this.#asking)
    const events = isObservable(token) ? token.pipe(switchMap(one => this.#send(one))) : this.#send(token)
    return reissue(outcome => this.#decide(outcome))(events)
  }

  /** Sends a request with a token. */
  protected send(request: HttpRequest, token: HeldToken): Observable<HttpEvent> {
    return this.parts.next(request.with({ headers: request.headers.fill(token.headers) }))
  }

  /** True for an answer that asks for the same token in another form. */
  protected asksAgain(_head: ResponseHead): boolean {
    return false
  }

  protected readonly tell = (name: string, detail: Readonly<Record<string, unknown>> = {}): void => {
    if (!this.#sink.closed) this.#sink.next(notice(this.parts.plugin, name, detail))
  }

  #send(token: HeldToken | undefined): Observable<HttpEvent> {
    this.#token = token
    this.#judged = undefined
    const { request, next } = this.parts
    // A live body has to be left before it is known whether there is another token; that of a whole answer can wait.
    const sent = request.read(LIVE) === true ? discard(request, head => this.#leaves(head)) : request
    return token === undefined ? next(sent) : this.send(sent, token)
  }

  #leaves(head: ResponseHead): boolean {
    if (!canBeSentAgain(this.parts.request)) return false
    return this.#maySendAgain(head) || (this.#refuses(head) && this.#mayReplay())
  }

  #maySendAgain(head: ResponseHead): boolean {
    return this.#again < MOST_AGAIN && this.#token !== undefined && this.asksAgain(head)
  }

  /** What the user says is asked once an answer. */
  #refuses(head: ResponseHead): boolean {
    if (this.#judged?.status !== head.status) {
      this.#judged = { status: head.status, refused: this.parts.when(head) }
    }
    return this.#judged.refused
  }

  /** True when this call has waited for a new token, if only to hear that there is none, and not for one that was kept. */
  get #renewed(): boolean {
    return this.#waited && this.#token?.fresh !== false
  }

  #mayReplay(): boolean {
    return !this.#replayed && this.parts.supply.replaceable(this.#token, this.#renewed)
  }

  #decide(outcome: Outcome): Observable<HttpEvent> | undefined {
    const { head } = outcome
    if (head === undefined || this.#over) return undefined
    const again = this.#maySendAgain(head)
    if (!again && (!this.#refuses(head) || !this.#mayReplay())) return undefined
    const refused = this.#token
    if (!canBeSentAgain(this.parts.request)) {
      if (!again) this.parts.supply.refuse(refused, this.#renewed)
      this.tell('not replayed', { status: head.status, because: 'body' })
      return undefined
    }
    if (again) {
      this.#again++
      return this.#send(refused)
    }
    this.#replayed = true
    const other = this.parts.supply.other(refused, { ...this.#asking, head, renewed: this.#renewed })
    if (isObservable(other)) return other.pipe(switchMap(one => this.#replay(one, refused, outcome)))
    return this.#replay(other, refused, outcome)
  }

  #replay(token: HeldToken | undefined, refused: HeldToken | undefined, outcome: Outcome): Observable<HttpEvent> {
    if (token === undefined || token.value === refused?.value) return this.#handBack(outcome)
    this.tell('replaying', { status: outcome.head?.status })
    return this.#send(token)
  }

  /** The refusal is the answer after all. A live body is gone. */
  #handBack({ head, response }: Outcome): Observable<HttpEvent> {
    this.#over = true
    if (response !== undefined) return of({ type: 'response', response })
    return head === undefined ? EMPTY : of({ type: 'head', head, flow: NO_FLOW, unread: true })
  }
}
