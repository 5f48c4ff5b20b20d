/** Counts the bytes of one way and tells of them, not too often. */
import type { Clock, ProgressEvent, ResponseHead } from '../../src/index.ts'

/** Tells at the first bytes, then at most once an interval, and at last once with `done`. */
export class Meter {
  readonly #way: 'up' | 'down'
  readonly #interval: number
  readonly #clock: Clock
  readonly #tell: (event: ProgressEvent) => void
  #loaded = 0
  #total: number | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  #done = false

  constructor(way: 'up' | 'down', interval: number, clock: Clock, tell: (event: ProgressEvent) => void) {
    this.#way = way
    this.#interval = interval
    this.#clock = clock
    this.#tell = tell
  }

  /** True once it has told for the last time. */
  get done(): boolean {
    return this.#done
  }

  /** Says how much will come. */
  expect(total: number | undefined): void {
    this.#total = total
  }

  /** Counts some more bytes. That they were the last is for the end of the exchange to say. */
  add(bytes: number): void {
    this.#loaded += bytes
    if (this.#loaded !== this.#total) this.#tellIfDue()
  }

  /** Takes over what an engine counted. */
  report(loaded: number, total: number | undefined, done = false): void {
    if (this.#done) return
    this.#loaded = loaded
    this.#total = total
    if (done || loaded === total) this.finish()
    else this.#tellIfDue()
  }

  /** Tells for the last time. */
  finish(): void {
    if (this.#done) return
    this.#done = true
    this.#tell(this.#event(true))
  }

  #tellIfDue(): void {
    const now = this.#clock.now()
    if (now - this.#toldAt < this.#interval) return
    this.#toldAt = now
    this.#tell(this.#event())
  }

  #event(done?: true): ProgressEvent {
    const [way, loaded, total] = [this.#way, this.#loaded, this.#total]
    return { type: 'progress', way, loaded, ...(total === undefined ? {} : { total }), ...(done ? { done } : {}) }
  }
}

/**
 * How many bytes an answer will bring, where that can be known. `decoded` says that the engine hands on other bytes than
 * those that the header counts.
 */
export function totalOf({ status, headers, request }: ResponseHead, decoded: boolean): number | undefined {
  if (request.method === 'HEAD' || status === 204 || status === 304) return 0
  const length = headers.get('content-length')
  return length === undefined || (decoded && headers.has('content-encoding')) ? undefined : Number(length)
}
