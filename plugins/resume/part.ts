/** One exchange of those that bring a body. */
import { Stage, type Flow, type HeadEvent, type HttpEvent, type ResponseHead, type Sink } from '../../src/index.ts'

/** The flow of a body that comes from several exchanges: whoever reads holds back the one that runs. */
export class Relay implements Flow {
  #to: Flow | undefined
  #paused = false

  /** Goes on with another exchange, which is held back at once when the last one was. */
  attach(flow: Flow): void {
    this.#to = flow
    if (this.#paused) flow.pause()
  }

  pause(): void {
    this.#paused = true
    this.#to?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#to?.resume()
  }
}

/** What an exchange needs to know of its body, and whom it asks. */
export interface PartOf {
  /** Judges the head: let through, let through with the shared flow, go on behind the first one, or left already. */
  readonly head: (head: ResponseHead) => 'pass' | 'relay' | 'continue' | 'leave'
  /** Counts bytes; false for those nobody asked for, with which it is over. */
  readonly bytes: (length: number) => boolean
  /** How many bytes of the body came before this exchange. */
  readonly offset: number
  readonly total: () => number | undefined
  readonly flow: Relay
  readonly first: boolean
  /** Says whether something is done about an error. */
  readonly broken: (error: unknown) => boolean
  /** Says whether the body is whole with the end of the exchange. */
  readonly whole: () => boolean
}

/** Passes on what an exchange brings as what it is: a part of one body. */
export class Part extends Stage {
  readonly #of: PartOf

  constructor(out: Sink, of: PartOf) {
    super(out)
    this.#of = of
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    if (event.type === 'head') {
      this.#begin(event)
      return
    }
    // A whole answer, as of a cache: whoever reads has a head already.
    if (event.type === 'response' && !this.#of.first) {
      if (this.#of.head(event.response.head) !== 'continue') return
      const { bytes } = event.response
      if (this.#of.bytes(bytes.length)) super.next({ type: 'chunk', bytes })
      return
    }
    if (event.type === 'chunk' && !this.#of.bytes(event.bytes.length)) return
    super.next(event.type === 'progress' && event.way === 'down' ? this.#measured(event) : event)
  }

  override error(error: unknown): void {
    if (this.ended) return
    this.unsubscribe()
    if (!this.#of.broken(error)) this.out.error(error)
  }

  override complete(): void {
    if (this.ended) return
    this.unsubscribe()
    if (this.#of.whole()) this.out.complete()
  }

  #begin(event: HeadEvent): void {
    const { head, flow } = this.#of
    const judged = event.unread === true && this.#of.first ? 'pass' : head(event.head)
    if (judged === 'pass') super.next(event)
    else if (judged !== 'leave') {
      flow.attach(event.flow)
      if (judged === 'relay') super.next({ ...event, flow })
    }
  }

  /** Progress of a part is progress of the whole. */
  #measured(event: HttpEvent & { readonly type: 'progress' }): HttpEvent {
    const { offset } = this.#of
    const total = this.#of.total()
    if (offset === 0 || total === undefined) return event
    const loaded = offset + event.loaded
    // The last one of a part is not the last one when more is to come.
    return { ...event, loaded, total, ...(event.done === true && loaded < total ? { done: undefined } : {}) }
  }
}
