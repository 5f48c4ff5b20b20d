/** Plays the body of an answer: its chunks and pauses, held back while the consumer is busy. */
import { milliseconds, shown } from '../../src/index.ts'
import type { MockChunk } from './reply.ts'
import type { Wait } from './timers.ts'

const encoder = new TextEncoder()

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
  readonly #wait: Wait
  readonly #observer: PlaybackObserver
  #iterator: Iterator<MockChunk> | undefined
  #played = 0
  #playing = false
  #waiting = true
  #paused = false
  #over = false

  /** `strikesAfter` is the number of bytes after which something goes wrong; `undefined` when nothing does. */
  constructor(chunks: Iterable<MockChunk>, strikesAfter: number | undefined, wait: Wait, observer: PlaybackObserver) {
    this.#chunks = chunks
    this.#strikesAfter = strikesAfter
    this.#wait = wait
    this.#observer = observer
  }

  /** Begins after `delay` milliseconds. */
  start(delay: number): void {
    this.#wait(delay, () => {
      this.#waiting = false
      this.#play()
    })
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
    this.#iterator?.return?.()
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
    this.#wait(ms, () => {
      this.#waiting = false
      this.#play()
    })
  }

  #emit(chunk: string | Uint8Array): void {
    const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk
    const part = bytes.subarray(0, (this.#strikesAfter ?? Infinity) - this.#played)
    this.#played += part.length
    // A copy: whoever changes what it was given must not change the next answer.
    if (part.length > 0) this.#observer.chunk(part.slice())
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
