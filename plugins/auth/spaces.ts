/** Where somebody who asked for credentials will ask again: what RFC 9110 §11.5 calls a protection space. */

/** How many are known at most; the one that was learned first is forgotten first. */
const MOST = 100

/** Remembers by url what was asked for there. */
export class Spaces<T> {
  readonly #known = new Map<string, { readonly prefixes: readonly string[]; readonly value: T }>()

  /** What was learned of the urls this one belongs to; of several, those that begin like it the longest. */
  find(url: string, fits: (value: T) => boolean = () => true): T | undefined {
    let found: { readonly length: number; readonly value: T } | undefined
    for (const { prefixes, value } of this.#known.values()) {
      const length = longest(prefixes, url)
      if (length > (found?.length ?? 0) && fits(value)) found = { length, value }
    }
    return found?.value
  }

  /** What was learned under this key. */
  get(key: string): T | undefined {
    return this.#known.get(key)?.value
  }

  /** Learns that the urls which begin like one of `prefixes` ask for it. */
  learn(key: string, prefixes: readonly string[], value: T): void {
    this.#known.delete(key)
    this.#known.set(key, { prefixes, value })
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST) break
      this.#known.delete(oldest)
    }
  }
}

function longest(prefixes: readonly string[], url: string): number {
  return prefixes.reduce((most, prefix) => (url.startsWith(prefix) ? Math.max(most, prefix.length) : most), 0)
}
