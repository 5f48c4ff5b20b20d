/** Tells how far a file has come, not too often. */
import { clock } from '../../src/index.ts'
import type { DownloadEvent } from './options.ts'
import type { Range } from './range.ts'

/** Tells at the first bytes, then at most once an interval, and at last of the whole. */
export class Progress {
  readonly #interval: number
  readonly #tell: (event: DownloadEvent) => void
  #toldAt = Number.NEGATIVE_INFINITY
  #told: string | undefined

  constructor(interval: number, tell: (event: DownloadEvent) => void) {
    this.#interval = interval
    this.#tell = tell
  }

  /** Tells of all ranges, if it is time; `now` makes it so. */
  of(ranges: readonly Range[], now = false): void {
    const at = clock.now()
    if (!now && at - this.#toldAt < this.#interval) return
    const loaded = ranges.reduce((sum, range) => sum + range.loaded, 0)
    const total = ranges.at(-1)?.end
    const told = `${loaded}/${total ?? ''}`
    if (told === this.#told) return
    this.#toldAt = at
    this.#told = told
    this.#tell({ type: 'progress', loaded, total })
  }

  /** What was told holds no more. */
  reset(): void {
    this.#told = undefined
    this.#toldAt = Number.NEGATIVE_INFINITY
  }
}
