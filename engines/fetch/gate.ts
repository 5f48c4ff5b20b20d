/** A request body as a stream that ends the moment nobody wants it any more, even where a platform goes on pulling. */
import type { UploadIterator, UploadSource } from '../../src/index.ts'

/** The largest piece that is given at once, so that progress shows while a large chunk is sent. */
const PIECE = 64 * 1024

/** How many pieces are given before everything else gets a turn, where a platform takes each at once (Node, Deno, Bun). */
const IN_A_ROW = 8

const NOTHING = new Uint8Array(0)

/** Makes a body that was cut look like one. */
const STOPPED = new Error('The upload was stopped.')

/** Hears how the upload goes. */
export interface GateKeeper {
  /** The platform asks for the body: there is a connection. */
  began(): void
  /** The platform has taken this many bytes in all. */
  took(loaded: number, done: boolean): void
  /** The source failed. */
  failed(error: unknown): void
}

/**
 * Stands between a source and the platform: what the platform has not asked for is not produced, and after `stop()` it gets
 * an error whatever it asks for. Platforms are known to drain a source to its end after an abort.
 */
export class Gate {
  readonly stream: ReadableStream<Uint8Array>
  readonly #body: Uint8Array | UploadSource
  readonly #keeper: GateKeeper
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #iterator: UploadIterator | undefined
  #rest: Uint8Array = NOTHING
  #given = 0
  #inARow = 0
  #began = false
  #exhausted = false
  #stopped = false
  #sent = false

  constructor(body: Uint8Array | UploadSource, keeper: GateKeeper) {
    this.#body = body
    this.#keeper = keeper
    this.stream = new ReadableStream<Uint8Array>(
      own({
        start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
          this.#controller = controller
        },
        pull: () => this.#pull(),
        cancel: () => {
          this.#leave()
        },
      }),
      // Nothing is produced before it is asked for.
      own({ highWaterMark: 0 }),
    )
  }

  /** All of it was taken. */
  get sent(): boolean {
    return this.#sent
  }

  /** Ends the source if it has not ended by itself, and the stream with an error. */
  stop(): void {
    if (this.#sent || this.#stopped) return
    this.#leave()
    this.#controller?.error(STOPPED)
  }

  /** The source is told once, and nothing that it still produces is passed on. */
  #leave(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#rest = NOTHING
    if (!this.#exhausted) this.#iterator?.return().catch(ignore)
  }

  async #pull(): Promise<void> {
    this.#begin()
    // Being asked for more means that the platform has taken what was given.
    if (this.#given > 0) this.#keeper.took(this.#given, false)
    if (++this.#inARow > IN_A_ROW) {
      this.#inARow = 0
      await turn()
    }
    try {
      while (!this.#isStopped() && this.#rest.length === 0 && !this.#exhausted) await this.#fetch()
    } catch (error) {
      this.#exhausted = true
      if (this.#isStopped()) return
      this.#keeper.failed(error)
      return
    }
    if (this.#isStopped()) return
    if (this.#rest.length > 0) {
      const piece = this.#rest.subarray(0, PIECE)
      this.#rest = this.#rest.subarray(PIECE)
      this.#given += piece.length
      this.#controller?.enqueue(piece)
      return
    }
    this.#sent = true
    this.#controller?.close()
    this.#keeper.took(this.#given, true)
  }

  #begin(): void {
    if (this.#began || this.#isStopped()) return
    this.#began = true
    this.#keeper.began()
  }

  async #fetch(): Promise<void> {
    const body = this.#body
    if (body instanceof Uint8Array) {
      this.#rest = body.subarray(this.#given)
      this.#exhausted = this.#rest.length === 0
      return
    }
    const step = await (this.#iterator ??= body.open()).next()
    if (step.done === true) this.#exhausted = true
    else if (!this.#isStopped()) this.#rest = step.value
  }

  #isStopped(): boolean {
    return this.#stopped
  }
}

/** Without a prototype: the platform would read `type` and `size` from a polluted `Object.prototype`. */
function own<T extends object>(given: T): T {
  return Object.assign(Object.create(null) as T, given)
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}

/** Lets the event loop go round once, where there is a way to. */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as { readonly setImmediate?: (work: () => void) => void }
  return setImmediate === undefined ? Promise.resolve() : new Promise(resolve => setImmediate(resolve))
}
