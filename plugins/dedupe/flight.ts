/** One exchange and all who wait for it. */
import type { Unsubscribable } from 'rxjs'
import {
  DISCARD,
  LinkedList,
  notice,
  run,
  type ConnectedEvent,
  type HttpEvent,
  type HttpRequest,
  type HttpResponse,
  type ProgressEvent,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import { alike, type Asked } from './asked.ts'
import type { Flights } from './flights.ts'
import { Waiting } from './waiting.ts'

/** Begins with the first who joins, hands everything to everybody, and is aborted when the last one has left. */
export class Flight implements Sink {
  /** Another one of the same place, which began before; kept by those in flight. */
  before: Flight | undefined
  readonly #asked: Asked
  readonly #flights: Flights
  readonly #place: number
  readonly #waiting = new LinkedList<Waiting>()
  #source: Unsubscribable | undefined
  #begun = false
  #open = true
  #over = false
  // How far it has come, for those who join later.
  #connected: ConnectedEvent | undefined
  #sent: HttpEvent | undefined
  #up: ProgressEvent | undefined
  #down: ProgressEvent | undefined
  /** The head of an answer all who waited said they would leave unread. */
  #unread: ResponseHead | undefined

  constructor(asked: Asked, flights: Flights, place: number, before: Flight | undefined) {
    this.#asked = asked
    this.#flights = flights
    this.#place = place
    this.before = before
  }

  get origin(): string {
    return this.#asked.request.origin
  }

  get closed(): boolean {
    return this.#over
  }

  /** Whether its answer will do for this request, too. */
  takes(asked: Asked): boolean {
    if (!alike(this.#asked, asked)) return false
    // Who wants to read the body cannot have one that is thrown away.
    return this.#unread === undefined || asked.request.read(DISCARD)?.(this.#unread) === true
  }

  /** Lets one more wait. It may be over before this returns. */
  join(request: HttpRequest, sink: Sink): Unsubscribable {
    const waiting = new Waiting(this, request, sink)
    this.#waiting.add(waiting)
    if (this.#begun) this.#catchUp(waiting)
    else this.#begin()
    return waiting
  }

  /** Lets nobody join any more. */
  close(): void {
    if (this.#open) this.#flights.close(this.#place, this)
    this.#open = false
  }

  leave(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    if (this.#waiting.size === 0 && !this.#over) this.#end()
  }

  next(event: HttpEvent): void {
    if (this.#over) return
    switch (event.type) {
      case 'response':
        // Whoever asks again on hearing of the answer wants another one.
        this.close()
        this.#answer(event)
        return
      case 'connection':
        this.#connected = event
        this.#sent = this.#up = this.#down = undefined
        break
      case 'sent':
        this.#sent = event
        break
      case 'progress':
        if (event.way === 'up') this.#up = event
        else this.#down = event
        break
      default:
    }
    this.#tell(event)
  }

  error(error: unknown): void {
    if (this.#over) return
    const { first, size } = this.#waiting
    const all = size === 1 ? undefined : this.#all()
    this.#end()
    if (all === undefined) first?.error(error, this.#asked.request)
    else end(all, waiting => waiting.error(error, this.#asked.request))
  }

  complete(): void {
    if (this.#over) return
    const { first, size } = this.#waiting
    const all = size === 1 ? undefined : this.#all()
    this.#end()
    if (all === undefined) first?.complete()
    else end(all, waiting => waiting.complete())
  }

  #begin(): void {
    const { request, next } = this.#asked
    this.#begun = true
    // Without one of its own the first reads every body.
    const sent = request.read(DISCARD) === undefined ? request : request.note(DISCARD, head => this.#leaves(head))
    try {
      const source = run(next(sent), this)
      if (this.#over) source.unsubscribe()
      else this.#source = source
    } catch (error) {
      this.error(error)
    }
  }

  #end(): void {
    this.#over = true
    this.close()
    this.#source?.unsubscribe()
  }

  #catchUp(waiting: Waiting): void {
    waiting.next(notice('dedupe', 'joined', { request: this.#asked.request.id }))
    for (const event of [this.#connected, this.#up, this.#sent, this.#down]) {
      if (event !== undefined) waiting.next(event)
    }
  }

  /** A body is thrown away when nobody wants to read it. Everybody is asked: they note what they are going to do. */
  #leaves(head: ResponseHead): boolean {
    let all = true
    for (const waiting of this.#all()) if (!waiting.leaves(head)) all = false
    if (all && !this.#over) this.#unread = head
    return all
  }

  #answer(event: HttpEvent & { readonly type: 'response' }): void {
    const { first, size } = this.#waiting
    const sent = this.#asked.request
    if (size === 1) {
      first?.answer(event, sent)
      return
    }
    // Copied before anybody has the bytes: whoever is first may write into them.
    const all = this.#all().map((waiting, at) => [waiting, at === 0 ? event : copied(event)] as const)
    for (const [waiting, own] of all) waiting.answer(own, sent)
  }

  #tell(event: HttpEvent): void {
    const { first, size } = this.#waiting
    if (size === 1) first?.next(event)
    else for (const waiting of this.#all()) waiting.next(event)
  }

  /** Those who wait now; they may leave, and others join, while they are told. */
  #all(): readonly Waiting[] {
    const all: Waiting[] = []
    for (let one = this.#waiting.first; one !== undefined; one = one.after) all.push(one)
    return all
  }
}

function copied({ response }: { readonly response: HttpResponse }): HttpEvent & { readonly type: 'response' } {
  return { type: 'response', response: response.with({ bytes: response.bytes.slice() }) }
}

/** Ends all, and throws then what the plugins of one have thrown, as they would have alone. */
function end(all: readonly Waiting[], how: (waiting: Waiting) => void): void {
  let thrown: { readonly error: unknown } | undefined
  for (const waiting of all) {
    try {
      how(waiting)
    } catch (error) {
      thrown ??= { error }
    }
  }
  if (thrown !== undefined) throw thrown.error
}
