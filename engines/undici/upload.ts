/** A request body on its way to undici, which asks for the next piece when the socket has taken the last. */
import type { AsyncResource } from 'node:async_hooks'
import type { UploadIterator, UploadSource } from '../../src/index.ts'
import { after } from '../connector/after.ts'

/** The largest piece that is given at once, so that a peer's progress shows while a large chunk is sent. */
const PIECE = 64 * 1024

const NOTHING = new Uint8Array(0)

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** Rejects what undici still waits for after the end, so that a body that was cut never looks whole. */
const STOPPED = new Error('The upload was stopped.')

/** Feeds a source to undici piece by piece, and stops it exactly once when the exchange ends before it. */
export class Upload implements AsyncIterableIterator<Uint8Array> {
  readonly #source: UploadSource | undefined
  readonly #scope: AsyncResource | undefined
  readonly #patience: number | false | undefined
  readonly #stalled: () => void
  #iterator: UploadIterator | undefined
  #rest: Uint8Array
  #done: boolean
  #stopped = false
  #takeBack: (() => void) | undefined
  #giveUp: ((reason: Error) => void) | undefined

  /**
   * `stalled` is called when the peer takes nothing of a piece for `patience` milliseconds. The source is run in `scope`.
   */
  constructor(
    body: UploadSource | Uint8Array,
    scope: AsyncResource | undefined,
    patience: number | false | undefined,
    stalled: () => void,
  ) {
    this.#scope = scope
    this.#source = body instanceof Uint8Array ? undefined : body
    this.#rest = body instanceof Uint8Array ? body : NOTHING
    this.#done = body instanceof Uint8Array
    this.#patience = patience
    this.#stalled = stalled
  }

  /** Starts the source. Throws what the source throws. */
  open(): void {
    const source = this.#source
    if (source !== undefined) this.#iterator = this.#run(() => source.open())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Being asked for more means that the peer has taken what was given.
    this.#takeBack?.()
    if (this.#stopped) return Promise.reject(STOPPED)
    if (this.#rest.length > 0) return Promise.resolve(this.#give())
    if (this.#done) return Promise.resolve(END)
    const wait = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    this.#giveUp = wait.reject
    this.#pull().then(wait.resolve, wait.reject)
    return wait.promise
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.stop()
    return Promise.resolve(END)
  }

  /** Ends the source if it has not ended by itself. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#takeBack?.()
    this.#rest = NOTHING
    this.#giveUp?.(STOPPED)
    if (!this.#done) this.#iterator?.return().catch(ignore)
  }

  #run<T>(work: () => T): T {
    return this.#scope === undefined ? work() : this.#scope.runInAsyncScope(work)
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const step = await this.#run(() => this.#iterator?.next())
      // Nobody waits for it any more.
      if (this.#stopped) return END
      if (step?.done === false) {
        this.#rest = step.value
        return this.#give()
      }
      this.#done = true
      return END
    } catch (error) {
      this.#done = true
      throw error
    }
  }

  #give(): IteratorResult<Uint8Array, undefined> {
    const value = this.#rest.subarray(0, PIECE)
    this.#rest = this.#rest.subarray(PIECE)
    if (typeof this.#patience === 'number') this.#takeBack = after(this.#patience, this.#stalled)
    return { done: false, value }
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}
