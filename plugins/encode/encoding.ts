/** One body on its way up through a compressor, at the pace of whoever pulls. */
import { deflate, type Coding, type Deflater, type Outlet } from '#deflate'
import { clock, type UploadIterator } from '../../src/index.ts'

type Step = IteratorResult<Uint8Array, undefined>

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** What is compressed at once, so that little waits for the engine however large a chunk is. */
const SLICE = 64 * 1024
/** How long a source may be quiet before what the compressor holds back is let out, in milliseconds. */
const QUIET = 100

/**
 * `prompt` lets out what the compressor holds back when the source is quiet, so that the peer may have it; `steady` does not, and the same
 * body is compressed to the same bytes however slowly it comes.
 */
export type Pace = 'prompt' | 'steady'

/** Pulls a source when it is pulled, and gives out what a compressor makes of it. */
export class Encoding implements UploadIterator, Outlet {
  readonly #source: UploadIterator
  readonly #deflater: Deflater
  readonly #pace: Pace
  readonly #out: Uint8Array[] = []
  /** What of the last chunk was not compressed yet. */
  #rest: Uint8Array | undefined
  /** The source is asked for a chunk, or the compressor is at work. */
  #busy = false
  #sourceEnded = false
  #over = false
  #left = false
  #failure: { readonly error: unknown } | undefined
  /** The compressor may hold back bytes that are to be let out. */
  #held = false
  #stopWaiting: (() => void) | undefined
  #wake: (() => void) | undefined

  constructor(source: UploadIterator, coding: Coding, level: number | undefined, pace: Pace) {
    this.#source = source
    this.#pace = pace
    this.#deflater = deflate(coding, level, this)
  }

  async next(): Promise<Step> {
    for (;;) {
      const step = this.#step()
      if (step !== undefined) return step
      const woken = new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#advance()
      await woken
    }
  }

  return(): Promise<Step> {
    this.#left = true
    this.#stop()
    this.#wake?.()
    return Promise.resolve(END)
  }

  data(bytes: Uint8Array): void {
    this.#out.push(bytes)
    this.#wake?.()
  }

  taken(): void {
    this.#busy = false
    this.#wake?.()
  }

  end(): void {
    this.#over = true
    this.#wake?.()
  }

  error(error: unknown): void {
    this.#failure ??= { error }
    this.#stop()
    this.#wake?.()
  }

  /** What can be said without more work. */
  #step(): Step | undefined {
    if (this.#left) return END
    const value = this.#out.shift()
    if (value !== undefined) return { done: false, value }
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#over ? END : undefined
  }

  #advance(): void {
    if (this.#busy) return
    this.#busy = true
    const rest = this.#rest
    if (rest === undefined) this.#pull()
    else {
      this.#rest = rest.length > SLICE ? rest.subarray(SLICE) : undefined
      this.#held = this.#pace === 'prompt'
      this.#deflater.write(rest.subarray(0, SLICE))
    }
  }

  #pull(): void {
    if (this.#held) {
      this.#stopWaiting = clock.schedule(() => {
        this.#held = false
        this.#deflater.flush()
      }, QUIET)
    }
    this.#source.next().then(
      step => {
        this.#stopWaiting?.()
        if (this.#left || this.#failure !== undefined) return
        if (step.done === true) {
          this.#sourceEnded = true
          this.#deflater.end()
          return
        }
        this.#busy = false
        if (step.value.length > 0) this.#rest = step.value
        this.#wake?.()
      },
      (error: unknown) => {
        this.#sourceEnded = true
        this.error(error)
      },
    )
  }

  /** Ends what runs. The source hears of it once, and only where it has not ended by itself. */
  #stop(): void {
    this.#stopWaiting?.()
    this.#out.length = 0
    this.#deflater.destroy()
    if (this.#sourceEnded) return
    this.#sourceEnded = true
    this.#source.return().catch(ignore)
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}
