/** What was understood of files, for as long as they stay what they were. */
import type { CacheEntry } from '../../plugins/cache.ts'

/** What tells a file from the one that takes its place. */
export interface Shape {
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  /** The number of a file that is gone is soon given to another one; an entry that was written anew keeps its time. */
  readonly birthtimeMs: number
}

/** How many are remembered. */
const MOST = 4096

/** Remembers entries by their files, those that were looked at last. */
export class Known {
  readonly #entries = new Map<string, { readonly shape: Shape; readonly entry: CacheEntry }>()

  get(path: string, shape: Shape): CacheEntry | undefined {
    const known = this.#entries.get(path)
    if (known === undefined) return undefined
    this.#entries.delete(path)
    if (!isSame(known.shape, shape)) return undefined
    this.#entries.set(path, known)
    return known.entry
  }

  set(path: string, { ino, size, mtimeMs, birthtimeMs }: Shape, entry: CacheEntry): void {
    this.#entries.set(path, { shape: { ino, size, mtimeMs, birthtimeMs }, entry })
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

function isSame(known: Shape, now: Shape): boolean {
  if (known.ino !== now.ino || known.size !== now.size || known.birthtimeMs !== now.birthtimeMs) return false
  // Noting a use writes the time of the file again, with what a double makes of it.
  return Math.abs(known.mtimeMs - now.mtimeMs) < 0.5
}
