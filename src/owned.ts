/** What a client owns and how it is given back. */
import type { HttpError } from './errors.ts'

/** Something a client releases when it ends. */
export interface Owned {
  release(): Promise<void> | void
  /** In place of `release()` when all must end at once, or after it when that takes too long. */
  force?(error: HttpError): Promise<void> | void
}

/** Something owned, which is released once and forced at most once. */
export class Entry {
  readonly #owned: Owned
  readonly #forget: () => void
  #released: Promise<void> | undefined
  #forced: Promise<void> | undefined

  constructor(owned: Owned, forget: () => void) {
    this.#owned = owned
    this.#forget = forget
  }

  /** Ends it, by force when there is an error to end it with. */
  end(error: HttpError | undefined): Promise<void> {
    const owned = this.#owned
    if (error !== undefined && owned.force !== undefined) {
      return (this.#forced ??= attempt(() => owned.force?.(error)).finally(this.#forget))
    }
    return (this.#released ??= attempt(() => owned.release()).finally(this.#forget))
  }
}

/** Makes a promise of work, also of work that throws. */
export async function attempt(work: () => Promise<void> | void): Promise<void> {
  await work()
}
