/** What was understood of files, for as long as they stay what they were. */
import type { CacheEntry } from '../../plugins/cache.ts'

/** What tells a file from the one that takes its place. */
export interface Shape {
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
}

/** How many are remembered. */
const MOST = 4096

/** Remembers entries by their files, those that were looked at last. */
export class Known {
  readonly #entries = new Map<string, Shape & { readonly entry: CacheEntry }>()

  get(path: string, { ino, size, mtimeMs }: Shape): CacheEntry | undefined {
    const known = this.#entries.get(path)
    if (known === undefined) return undefined
    this.#entries.delete(path)
    // Noting a use writes the time of the file again, with what a double makes of it.
    if (known.ino !== ino || known.size !== size || Math.abs(known.mtimeMs - mtimeMs) >= 0.5) return undefined
    this.#entries.set(path, known)
    return known.entry
  }

  set(path: string, { ino, size, mtimeMs }: Shape, entry: CacheEntry): void {
    this.#entries.set(path, { ino, size, mtimeMs, entry })
    if (this.#entries.size <= MOST) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  delete(path: string): void {
    this.#entries.delete(path)
  }
}
