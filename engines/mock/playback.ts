/** Plays the body of an answer: its chunks and pauses, held back while the consumer is busy. */
import { milliseconds, shown } from '../../src/index.ts'
import type { MockChunk } from './reply.ts'
import type { Stage } from './stage.ts'

const encoder = new TextEncoder()

/** So many bytes are played in one turn at most: who reads an endless body must get a chance to leave. */
const BYTES_PER_TURN = 64 * 1024

/** Hears how a body is played; nothing after `stop()`. */
export interface PlaybackObserver {
  chunk(bytes: Uint8Array): void
  /** So many bytes were played after which something was to happen, or all there are. */
  struck(): void
  /** All of it was played. */
  whole(): void
  /** The chunks could not be produced. */
  failed(error: unknown): void
}

/** A body on its way down. */
export class Playback {
  readonly #chunks: Iterable<MockChunk>
  readonly #strikesAfter: number | undefined
  readonly #stage: Stage
  readonly #observer: PlaybackObserver
  #iterator: Iterator<MockChunk> | undefined
  #played = 0
  #inTurn = 0
  #playing = false
  #waiting = true
  #paused = false
  #over = false

  /** `strikesAfter` is the number of bytes after which something goes wrong; `undefined` when nothing does. */
  constructor(stage: Stage, chunks: Iterable<MockChunk>, strikesAfter: number | undefined, observer: PlaybackObserver) {
    this.#stage = stage
    this.#chunks = chunks
    this.#strikesAfter = strikesAfter
    this.#observer = observer
  }

  /** Begins after `delay` milliseconds; with `live`, not in this turn. */
  start(delay: number, live: boolean): void {
    const begin = (): void => {
      this.#waiting = false
      this.#play()
    }
    if (delay === 0 && live) this.#stage.turn(begin)
    else this.#stage.wait(delay, begin)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#play()
  }

  /** Plays no more, and lets go of a generator. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    try {
      this.#iterator?.return?.()
    } catch {
      // How a generator takes its end is its own affair.
    }
  }

  #play(): void {
    // Resuming from within a chunk must not overtake the chunk.
    if (this.#playing) return
    this.#playing = true
    while (!this.#over && !this.#paused && !this.#waiting) this.#step()
    this.#playing = false
  }

  #step(): void {
    if (this.#played >= (this.#strikesAfter ?? Infinity)) {
      this.#observer.struck()
      this.stop()
      return
    }
    let chunk: MockChunk | undefined
    try {
      this.#iterator ??= this.#chunks[Symbol.iterator]()
      const step = this.#iterator.next()
      chunk = step.done === true ? undefined : checked(step.value)
    } catch (error) {
      this.#over = true
      this.#observer.failed(error)
      return
    }
    if (chunk === undefined) this.#end()
    else if (typeof chunk === 'number') this.#sleep(chunk)
    else this.#emit(chunk)
  }

  #sleep(ms: number): void {
    this.#waiting = true
    this.#inTurn = 0
    const wake = (): void => {
      this.#waiting = false
      this.#play()
    }
    if (ms === 0) this.#stage.turn(wake)
    else this.#stage.wait(ms, wake)
  }

  #emit(chunk: string | Uint8Array): void {
    const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk
    const part = bytes.subarray(0, (this.#strikesAfter ?? Infinity) - this.#played)
    this.#played += part.length
    this.#inTurn += part.length
    // A copy: whoever changes what it was given must not change the next answer.
    if (part.length > 0) this.#observer.chunk(part.slice())
    if (this.#inTurn >= BYTES_PER_TURN) this.#sleep(0)
  }

  #end(): void {
    this.#over = true
    if (this.#strikesAfter === undefined) this.#observer.whole()
    else this.#observer.struck()
  }
}

function checked(chunk: unknown): MockChunk {
  if (typeof chunk === 'string' || chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'number' && milliseconds(chunk) === undefined) return chunk
  throw new TypeError(`A chunk of a mock's reply is a string, bytes, or a pause in milliseconds, not ${shown(chunk)}.`)
}
