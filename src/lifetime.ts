/** How a client lives and ends: what runs in it, draining, cancelling, releasing. */
import { clock } from './clock.ts'
import { describe, HttpError, type RequestSummary } from './errors.ts'

/** Something a client waits for or cancels when it ends. */
export interface Running {
  readonly summary: RequestSummary
  /** Ends it now with this error. */
  cancel(error: HttpError): void
}

/** What a graceful end had to cut. */
export interface CloseReport {
  /** The calls that were still running at the end of the drain time, and were cancelled. */
  readonly cut: readonly RequestSummary[]
}

/** Releases what a client owns; `error` is set when it must happen at once. */
export type Release = (error: HttpError | undefined) => Promise<void> | void

/**
 * The life of a client, from open over closing to released. A child's calls count in its parents too,
 * so that a parent can wait for them and cancel them without holding on to children nobody uses any more.
 */
export class Lifetime {
  readonly #parent: Lifetime | undefined
  readonly #running = new Set<Running>()
  readonly #releases: Release[] = []
  readonly #cut: RequestSummary[] = []
  readonly #released: PromiseWithResolvers<void> = Promise.withResolvers()
  #open = true
  #ending = false
  #forced: HttpError | undefined

  constructor(parent?: Lifetime) {
    this.#parent = parent
    // Whoever closes hears of a failing release; a client nobody asks must not crash the process.
    this.#released.promise.catch(() => undefined)
  }

  /** True once no new call is taken. */
  get closed(): boolean {
    return !this.#open || (this.#parent?.closed ?? false)
  }

  /** How many calls run, those of children included. */
  get size(): number {
    return this.#running.size
  }

  add(running: Running): void {
    this.#running.add(running)
    this.#parent?.add(running)
  }

  delete(running: Running): void {
    this.#running.delete(running)
    if (!this.#open) this.#endWhenIdle()
    this.#parent?.delete(running)
  }

  /** Registers what to release at the end; the newest is released first. */
  onEnd(release: Release): void {
    let done = false
    const once: Release = error => {
      if (done) return
      done = true
      return release(error)
    }
    this.#releases.push(once)
    this.#parent?.onEnd(once)
  }

  /** Takes no new calls, waits for the running ones, up to `drain` milliseconds, then releases everything. */
  async close(drain?: number): Promise<CloseReport> {
    this.#open = false
    const takeBack =
      drain === undefined || this.#running.size === 0
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
    this.#forced ??= new HttpError('CANCELLED', 'The client was cancelled.', { cause: reason })
    for (const running of [...this.#running]) running.cancel(cancelled(running, 'its client was cancelled', reason))
    this.#endWhenIdle()
  }

  /** Resolves when nothing runs any more and everything is released. */
  join(): Promise<void> {
    const own = this.#released.promise
    return this.#parent === undefined ? own : Promise.race([own, this.#parent.join()])
  }

  #cutOff(drain: number): void {
    for (const running of [...this.#running]) {
      this.#cut.push(running.summary)
      running.cancel(cancelled(running, `its client was closed and still had it running ${drain} ms later`))
    }
  }

  #endWhenIdle(): void {
    if (this.#running.size > 0 || this.#ending) return
    this.#ending = true
    const released = Promise.all(this.#releases.toReversed().map(release => attempt(release, this.#forced)))
    released.then(() => {
      this.#released.resolve()
    }, this.#released.reject)
  }
}

async function attempt(release: Release, error: HttpError | undefined): Promise<void> {
  await release(error)
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
