/** Decompression that waits while nobody reads: a few bytes in a buffer can stand for messages of any size. */
import { ownOf } from '../connector/options.ts'
import { PerMessageDeflate, type Deflate, type Inflated } from './ws.ts'

/** The longest message ws can be told of. */
const MOST = 2 ** 31 - 1

/** How many bytes ws is told a message may have. */
export function payloadOf(maxMessage: number): number {
  return Math.max(1, Math.min(Math.floor(maxMessage), MOST))
}

/** permessage-deflate that can be held. */
export class HeldDeflate extends PerMessageDeflate implements Deflate {
  #held = false
  #waiting: (() => void) | undefined
  #busy = false
  #over = false

  constructor(maxMessage: number) {
    super(ownOf({ maxPayload: payloadOf(maxMessage), clientMaxWindowBits: true as const }))
  }

  /** Does no more than the piece it is at. */
  hold(): void {
    this.#held = true
  }

  /** Goes on. */
  release(): void {
    this.#held = false
    const work = this.#waiting
    this.#waiting = undefined
    work?.()
  }

  /** Gives back its memory. zlib must not lose it while it works. */
  override cleanup(): void {
    this.#over = true
    this.#waiting = undefined
    if (!this.#busy) super.cleanup()
  }

  override decompress(data: Buffer, last: boolean, done: Inflated): void {
    if (this.#held) {
      this.#waiting = () => {
        this.decompress(data, last, done)
      }
      return
    }
    this.#busy = true
    super.decompress(data, last, (error, bytes) => {
      this.#busy = false
      if (this.#over) super.cleanup()
      else done(error, bytes)
    })
  }
}
