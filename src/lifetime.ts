/** How a client lives and ends: what runs in it, draining, cancelling, releasing. */
import { clock } from './clock.ts'
import { describe, HttpError, type RequestSummary } from './errors.ts'
import { Linked, LinkedList } from './linked.ts'
import { attempt, Entry, type Owned } from './owned.ts'

/** Something a client waits for or cancels when it ends. */
export abstract class Running extends Linked<Running> {
  abstract readonly summary: RequestSummary
  /** Ends it now with this error. */
  abstract cancel(error: HttpError): void
  /** Hears that it is waited for: what has no end of its own should come to one. May be called again. */
  closing(): void {
    // Most end by themselves.
  }
}

/** What a graceful end had to cut. */
export interface CloseReport {
  /** The calls that were still running at the end of the drain time, and were cancelled. */
  readonly cut: readonly RequestSummary[]
}

/**
 * The life of a client, from open over closing to released. A child's calls count in its parents too,
 * so that a parent can wait for them and cancel them without holding on to children nobody uses any more.
 */
export class Lifetime extends Linked<Lifetime> {
  readonly #parent: Lifetime | undefined
  /** This one, its parent, and so on. */
  readonly #line: readonly Lifetime[]
  readonly #running = new LinkedList<Running>()
  /** Those in which something runs. */
  readonly #children = new LinkedList<Lifetime>()
  readonly #owned = new Set<Entry>()
  readonly #cut: RequestSummary[] = []
  readonly #released: PromiseWithResolvers<void> = Promise.withResolvers()
  #open = true
  #ending = false
  #forced: HttpError | undefined

  constructor(parent?: Lifetime) {
    super()
    this.#parent = parent
    this.#line = parent === undefined ? [this] : [this, ...parent.#line]
    // Whoever closes hears of a failing release; a client nobody asks must not crash the process.
    this.#released.promise.catch(ignore)
  }

  /** True once no new call is taken. */
  get closed(): boolean {
    return !this.#open || (this.#parent?.closed ?? false)
  }

  /** How many calls run, those of children included. */
  get size(): number {
    let { size } = this.#running
    for (const child of this.#children) size += child.size
    return size
  }

  /** Settles when this client itself was ended, nothing runs in it any more and what it owns is released. */
  get released(): Promise<void> {
    return this.#released.promise
  }

  add(running: Running): void {
    this.#running.add(running)
    this.#busy()
  }

  delete(running: Running): void {
    this.#running.delete(running)
    this.#checkIdle()
  }

  /** Registers what to release at the end, the newest first; what comes after the end is released at once. */
  own(owned: Owned): void {
    if (this.#line.some(one => one.#ending)) {
      void attempt(() => owned.release()).catch(ignore)
      return
    }
    // What a child owns ends with its parents too, and is forgotten by all of them once it has.
    const entry = new Entry(owned, () => {
      for (const one of this.#line) one.#owned.delete(entry)
    })
    for (const one of this.#line) one.#owned.add(entry)
  }

  /** Takes no new calls, waits for the running ones, up to `drain` milliseconds, then releases everything. */
  async close(drain?: number): Promise<CloseReport> {
    this.#open = false
    for (const running of this.#all()) running.closing()
    const takeBack =
      drain === undefined || this.#idle
        ? undefined
        : clock.schedule(() => {
            this.#cutOff(drain)
          }, drain)
    this.#endWhenIdle()
    try {
      await this.join()
    } finally {
      takeBack?.()
    }
    return { cut: this.#cut }
  }

  /** Ends everything now. */
  cancel(reason?: unknown): void {
    this.#open = false
    const gracefully = this.#ending
    this.#forced ??= new HttpError('CANCELLED', 'The client was cancelled.', { cause: reason })
    for (const running of this.#all()) running.cancel(cancelled(running, 'its client was cancelled', reason))
    if (gracefully) this.#release()
    else this.#endWhenIdle()
  }

  /** Resolves when nothing runs any more and everything is released. */
  join(): Promise<void> {
    const own = this.#released.promise
    return this.#parent === undefined ? own : Promise.race([own, this.#parent.join()])
  }

  #cutOff(drain: number): void {
    for (const running of this.#all()) {
      this.#cut.push(running.summary)
      running.cancel(cancelled(running, `its client was closed and still had it running ${drain} ms later`))
    }
  }

  get #idle(): boolean {
    return this.#running.size === 0 && this.#children.size === 0
  }

  /** Something runs in it now, and so in its parents. */
  #busy(): void {
    const parent = this.#parent
    if (parent === undefined || this.list !== undefined) return
    parent.#children.add(this)
    parent.#busy()
  }

  /** Something that ran in it does so no more; perhaps it was the last. */
  #checkIdle(): void {
    if (!this.#open) this.#endWhenIdle()
    const parent = this.#parent
    if (parent === undefined || !this.#idle) return
    parent.#children.delete(this)
    parent.#checkIdle()
  }

  #all(): readonly Running[] {
    return [...this.#running, ...[...this.#children].flatMap(child => child.#all())]
  }

  #endWhenIdle(): void {
    if (!this.#idle || this.#ending) return
    this.#ending = true
    this.#release()
  }

  /** Releases what is owned; by force also what is being released gracefully and has not come to its end. */
  #release(): void {
    const all = [...this.#owned].toReversed().map(entry => entry.end(this.#forced))
    void Promise.allSettled(all).then(results => {
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') this.#released.reject(failed.reason)
      else this.#released.resolve()
    })
  }
}

function ignore(): void {
  // Nobody asked how the end went.
}

/** The error of a call that came after the end. */
export function closedError(request: RequestSummary): HttpError {
  return new HttpError('CLOSED', `${describe(request)} was not sent: its client is closed.`, {
    phase: 'queue',
    request,
    requestWritten: 'no',
  })
}

function cancelled({ summary }: Running, why: string, cause?: unknown): HttpError {
  return new HttpError('CANCELLED', `${describe(summary)} was cancelled: ${why}.`, { request: summary, cause })
}
