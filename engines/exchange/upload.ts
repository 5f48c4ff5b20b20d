/** A request body on its way to the driver, which asks for the next piece when the socket has taken the last. */
import { AsyncResource } from 'node:async_hooks'
import {
  LIMITS,
  UPLOAD_PROGRESS,
  type EventObserver,
  type HttpRequest,
  type UploadIterator,
  type UploadSource,
} from '../../src/index.ts'
import { after } from '../connector/after.ts'

/** The largest piece that is given at once, so that a peer's progress shows while a large chunk is sent. */
const PIECE = 64 * 1024

/** How many pieces are given before the event loop gets a turn: a kernel that takes each at once would keep it from everything else. */
const IN_A_ROW = 8

const NOTHING = new Uint8Array(0)

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** Rejects what the driver still waits for after the end, so that a body that was cut never looks whole. */
const STOPPED = new Error('The upload was stopped.')

/** Bytes up to this size are given at once: the kernel takes them whatever the peer does. */
const AT_ONCE = 64 * 1024

/** Feeds a body to the driver piece by piece, tells how far it is, and stops its source exactly once when the exchange ends before it. */
export class Upload implements AsyncIterableIterator<Uint8Array> {
  readonly #body: Uint8Array | UploadSource
  readonly #observer: EventObserver
  readonly #asked: boolean
  readonly #patience: number | undefined
  readonly #stalled: (ms: number) => void
  #iterator: UploadIterator | undefined
  #rest: Uint8Array = NOTHING
  #done = false
  #stopped = false
  #loaded = 0
  #inARow = 0
  #takeBack: (() => void) | undefined
  #giveUp: ((reason: Error) => void) | undefined

  /** `stalled` is called when the peer takes nothing of a piece for as long as the request allows. */
  static of(request: HttpRequest, observer: EventObserver, stalled: (ms: number) => void): Upload | undefined {
    const { body } = request
    if (body === undefined) return undefined
    const patience = request.read(LIMITS)?.send
    const asked = request.read(UPLOAD_PROGRESS) === true
    if (body instanceof Uint8Array && !asked && typeof patience !== 'number') return undefined
    return new Upload(body, observer, asked, typeof patience === 'number' ? patience : undefined, stalled)
  }

  private constructor(
    body: Uint8Array | UploadSource,
    observer: EventObserver,
    asked: boolean,
    patience: number | undefined,
    stalled: (ms: number) => void,
  ) {
    this.#body = body
    this.#observer = observer
    this.#asked = asked
    this.#patience = patience
    this.#stalled = stalled
  }

  /** What to give to the driver. */
  get given(): Uint8Array | Upload {
    return this.#body instanceof Uint8Array && this.#body.length <= AT_ONCE ? this.#body : this
  }

  /** Starts the source. Throws what the source throws. */
  open(): void {
    const body = this.#body
    if (body instanceof Uint8Array) {
      this.#rest = body
      this.#done = true
    } else this.#iterator = this.#run(() => body.open())
  }

  /** The socket took some bytes. */
  took(bytes: number): void {
    this.#loaded += bytes
    if (this.#loaded !== this.#body.length) this.#tell(undefined)
  }

  /** The socket took the last one. */
  tookAll(): void {
    this.#tell(true)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    // Being asked for more means that the peer has taken what was given.
    this.#takeBack?.()
    if (this.#stopped) return Promise.reject(STOPPED)
    if (++this.#inARow > IN_A_ROW) return this.#giveLater()
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

  #tell(done: true | undefined): void {
    if (!this.#asked || this.#stopped) return
    const total = this.#body.length
    this.#observer.next({ type: 'progress', way: 'up', loaded: this.#loaded, total, ...(done ? { done } : undefined) })
  }

  /** A source is run where its exchange is heard. */
  #run<T>(work: () => T): T {
    return this.#observer instanceof AsyncResource ? this.#observer.runInAsyncScope(work) : work()
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

  #giveLater(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#inARow = 0
    const wait = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    this.#giveUp = wait.reject
    setImmediate(() => {
      this.next().then(wait.resolve, wait.reject)
    })
    return wait.promise
  }

  #give(): IteratorResult<Uint8Array, undefined> {
    const value = this.#rest.subarray(0, PIECE)
    this.#rest = this.#rest.subarray(PIECE)
    const ms = this.#patience
    if (ms !== undefined) this.#takeBack = after(ms, () => this.#stalled(ms))
    return { done: false, value }
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}
