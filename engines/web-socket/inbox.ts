/** What was heard, told in its order: as long as somebody listens, and nothing holds it back. Nothing here needs Node. */
import type { WebSocketListener } from '../../src/index.ts'

/** Keeps what cannot be told yet. */
export class Inbox {
  readonly #held: ((listener: WebSocketListener) => void)[] = []
  readonly #changed: () => void
  #listener: WebSocketListener | undefined
  #paused = false
  #telling = false
  #over = false

  /** `changed` is called whenever it may have become another matter whether more is wanted. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** True while what is heard is told at once. */
  get wants(): boolean {
    return this.#listener !== undefined && !this.#paused && !this.#over
  }
  /** Whoever listens. */
  get listener(): WebSocketListener | undefined {
    return this.#listener
  }

  listen(listener: WebSocketListener): void {
    this.#listener = listener
    this.#tell()
  }

  pause(): void {
    this.#paused = true
    this.#changed()
  }

  resume(): void {
    this.#paused = false
    this.#tell()
  }

  /** Does it, behind what is held back. */
  put(work: (listener: WebSocketListener) => void): void {
    this.#held.push(work)
    this.#tell()
  }

  /** Tells nothing more. */
  end(): void {
    this.#over = true
    this.#held.length = 0
  }

  #tell(): void {
    // What is told may ask for more.
    if (this.#telling) return
    this.#telling = true
    while (this.wants && this.#listener !== undefined) {
      const next = this.#held.shift()
      if (next === undefined) break
      next(this.#listener)
    }
    this.#telling = false
    this.#changed()
  }
}
