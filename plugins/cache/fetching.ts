/** Asks the server, with the conditions of what is kept, and keeps what comes. */
import type { Unsubscribable } from 'rxjs'
import {
  clock,
  DISCARD,
  headOf,
  HttpResponse,
  isHttpError,
  notice,
  type AnswerEvent,
  type HttpRequest,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import { needsNoBody, type Around } from './around.ts'
import { confirm, freshen } from './confirming.ts'
import { merged } from './fields.ts'
import type { Keeping } from './keeping.ts'
import { Kept } from './kept.ts'
import { Leg } from './leg.ts'
import { isOutage, isOutOfOrder } from './outage.ts'
import type { Recording } from './recording.ts'
import type { Found } from './shelf.ts'
import { forwarded, withStatus, type Forward } from './status.ts'
import { decide, record, type Sent } from './taking.ts'
import { helpsOut, useOf } from './use.ts'
import { conditional, confirms } from './validation.ts'

const EMPTY = new Uint8Array(0)

/** One answer of the server, or what is kept in its place. */
export class Fetching implements Unsubscribable {
  /** What others may be answered with, once there is an answer. */
  kept: Kept | undefined
  /** True when it is stale, and used because the server cannot answer. */
  helpedOut = false
  readonly #around: Around
  readonly #why: Forward
  readonly #out: Sink
  #found: Found | undefined
  /** The body of what is kept, where it may be needed in place of an answer. */
  #body: Uint8Array | undefined
  #conditional = false
  readonly #sent = { asked: 0, since: 0, unread: false }
  #leg: Leg | undefined
  #leave: (() => void) | undefined
  #over = false

  constructor(around: Around, found: Found | undefined, why: Forward, out: Sink) {
    this.#around = around
    this.#found = found
    this.#why = why
    this.#out = out
  }

  begin(): this {
    const found = this.#found
    if (found !== undefined && this.#helps(found.kept)) {
      this.#wait(found, body => {
        this.#body = body
        if (body === undefined) this.#forget()
        this.#send()
      })
    } else this.#send()
    return this
  }

  unsubscribe(): void {
    this.#over = true
    this.#leave?.()
    this.#leg?.unsubscribe()
  }

  /** Judges an answer before anybody has seen it. */
  judge(event: AnswerEvent, leg: Leg): void {
    const head = headOf(event)
    const found = this.#found
    if (found !== undefined && this.#conditional && head.status === 304) {
      leg.unsubscribe()
      this.#confirmed(found, head)
    } else if (found !== undefined && this.#isCovered(head.status)) {
      leg.unsubscribe()
      this.#helpOut(found, `status ${head.status}`, head.status)
    } else this.#pass(event, head, leg)
  }

  /** Hears of a failure before there was an answer; true when something is done about it. */
  fails(error: unknown): boolean {
    const found = this.#found
    if (found === undefined || this.#body === undefined || !this.#helps(found.kept) || !isOutage(error)) return false
    this.#helpOut(found, isHttpError(error) ? error.code : 'an error')
    return true
  }

  #send(): void {
    if (this.#over) return
    const { request, next, shelf } = this.#around
    Object.assign(this.#sent, { asked: clock.now(), since: shelf.now(), unread: false } satisfies Sent)
    const leg = new Leg(this, this.#out)
    this.#leg = leg
    leg.over(next(this.#asking(request)))
  }

  /** The request with our conditions, if it has none and there is something to be confirmed. */
  #asking(request: HttpRequest): HttpRequest {
    const found = this.#found
    const { kept } = found ?? {}
    const asks = request.method === 'GET' && !this.#around.conditional && kept !== undefined
    const headers = asks ? conditional(request.headers, kept) : request.headers
    this.#conditional = headers !== request.headers
    const outer = request.read(DISCARD)
    if (outer === undefined && !this.#conditional) return request
    return request.with({ headers }).note(DISCARD, head => {
      if ((this.#conditional && head.status === 304) || this.#isCovered(head.status)) return true
      this.#sent.unread = outer?.(head) === true
      return this.#sent.unread
    })
  }

  #pass(event: AnswerEvent, head: ResponseHead, leg: Leg): void {
    const { request, shelf, key } = this.#around
    const decided =
      request.method === 'GET' && head.status !== 304 ? decide(this.#around, event, head, this.#sent) : undefined
    let recording: Recording | undefined
    if (typeof decided === 'object') {
      this.#share(decided)
      recording = record(this.#around, event, decided, this.#sent.since)
    } else if (decided !== undefined) {
      shelf.mark(key, false)
      if (head.status < 500) this.#forget()
      this.#out.next(notice('cache', 'not kept', { reason: decided }))
    } else if (this.#found !== undefined) freshen(this.#around, this.#found, head, this.#sent)
    if (this.#over || this.#out.closed) {
      recording?.leave()
      return
    }
    const stored = recording !== undefined && !recording.failed
    const status = forwarded(this.#why, this.#conditional ? head.status : undefined, stored ? '; stored' : '')
    leg.pass(withStatus(event, head, status), recording)
  }

  #confirmed(found: Found, head: ResponseHead): void {
    const { kept, entry } = found
    const { shelf, key, request } = this.#around
    const now = clock.now()
    const decided = confirm(this.#around, kept, head, this.#sent.asked)
    const fields = merged(kept.headers, head.headers).flat
    const current = new Kept(typeof decided === 'string' ? { ...kept.meta, fields, at: now, age: 0 } : decided.meta)
    if (!confirms(head, kept) || (kept.meta.unread && !needsNoBody(this.#around, current))) {
      this.#again()
      return
    }
    if (typeof decided === 'string') shelf.store.remove(key, entry.id)
    else if (!shelf.isChanged(request.url, this.#sent.since)) shelf.store.update(key, entry.id, decided.meta)
    // The body is that of what was asked about, whatever became of the entry meanwhile.
    this.#deliver(found, body => {
      if (typeof decided === 'string') shelf.mark(key, false)
      else this.#share(decided)
      const cookies = head.headers.getAll('set-cookie').flatMap(cookie => ['set-cookie', cookie])
      const status = forwarded(this.#why, 304, typeof decided === 'string' ? '' : '; stored')
      this.#answer('revalidated', {}, current.head(this.#around.request, now, status, cookies), body)
    })
  }

  /** Answers with what is kept although it is stale, because the server cannot. */
  #helpOut({ kept }: Found, because: string, status?: number): void {
    const now = clock.now()
    this.kept = kept
    this.helpedOut = true
    const said = forwarded(this.#why, status, '; detail=stale-if-error')
    const head = kept.head(this.#around.request, now, said)
    this.#answer('stale', { because, ttl: kept.ttl(now) }, head, this.#body ?? EMPTY)
  }

  #answer(name: string, detail: Readonly<Record<string, unknown>>, head: ResponseHead, bytes: Uint8Array): void {
    const out = this.#out
    out.next(notice('cache', name, detail))
    if (this.#over || out.closed) return
    out.next({ type: 'response', response: new HttpResponse({ head, bytes }) })
    if (!this.#isOver()) out.complete()
  }

  #deliver(found: Found, then: (body: Uint8Array) => void): void {
    if (this.#body !== undefined) {
      then(this.#body)
      return
    }
    this.#wait(found, body => {
      if (body === undefined) this.#again()
      else then(body)
    })
  }

  /** What is kept is of no use: asks once more, without conditions. */
  #again(): void {
    this.#forget()
    this.#body = undefined
    this.#send()
  }

  #forget(): void {
    const found = this.#found
    if (found === undefined) return
    this.#found = undefined
    this.#around.shelf.store.remove(this.#around.key, found.entry.id)
  }

  #share({ meta }: Keeping): void {
    const { shelf, key, wish } = this.#around
    const kept = new Kept(meta)
    this.kept = kept
    shelf.mark(key, useOf(kept, wish, clock.now()) === 'fresh')
  }

  #wait({ entry }: Found, then: (body: Uint8Array | undefined) => void): void {
    this.#leave = this.#around.shelf.store.body(entry, body => {
      if (!this.#isOver()) then(body)
    })
  }

  #isOver(): boolean {
    return this.#over
  }

  #isCovered(status: number): boolean {
    const found = this.#found
    return found !== undefined && this.#body !== undefined && isOutOfOrder(status) && this.#helps(found.kept)
  }

  #helps(kept: Kept): boolean {
    const { request, wish, options, conditional: users } = this.#around
    if (request.method !== 'GET' || users || kept.meta.unread) return false
    return helpsOut(kept, wish, clock.now(), options.staleIfError)
  }
}
