/** Which urls were changed by requests of ours, for all who use one store in this process. */
import { clock } from '../../src/index.ts'
import type { CacheStore } from './store.ts'

/** How many urls are remembered as changed. */
const MOST = 10_000

/** Remembers changes; whatever a store does or has in its other partitions, nobody is answered from before one. */
export class Changes {
  /** When urls were changed, as a turn and a time; those changed last come last. */
  readonly #urls = new Map<string, { readonly turn: number; readonly at: number }>()
  #turn = 0
  /** The last turn of which the url was forgotten. */
  #forgotten = -1

  /** A moment, to ask later whether a url was changed since. */
  get now(): number {
    return this.#turn
  }

  note(url: string): void {
    this.#urls.delete(url)
    if (this.#urls.size >= MOST) this.#forgetOne()
    this.#urls.set(url, { turn: this.#turn++, at: clock.now() })
  }

  /** True when a url was changed after a moment, or may have been. */
  since(url: string, moment: number): boolean {
    return (this.#urls.get(url)?.turn ?? this.#forgotten) >= moment
  }

  /** True for what was answered before the last change of a url that is remembered, or with it. */
  overtook(url: string, answered: number): boolean {
    if (this.#urls.size === 0) return false
    const changed = this.#urls.get(url)
    return changed !== undefined && answered <= changed.at
  }

  #forgetOne(): void {
    for (const [url, { turn }] of this.#urls) {
      this.#forgotten = turn
      this.#urls.delete(url)
      return
    }
  }
}

const known = new WeakMap<CacheStore, Changes>()

/** What is remembered of a store: the same for all clients that use it. */
export function changesOf(store: CacheStore): Changes {
  let changes = known.get(store)
  if (changes === undefined) {
    changes = new Changes()
    known.set(store, changes)
  }
  return changes
}
