/** Work that must not overlap, and waiting for all that runs. */

/** Does the work of one name in turn, that of different names side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #running = new Set<Promise<unknown>>()
  /** Work of all names that is not over; what comes waits for it. */
  #alone: Promise<unknown> | undefined

  /** Does `work` when all of this name that came before is over, however it went. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? this.#alone
    const mine = this.track(before === undefined ? work() : before.then(work, work))
    this.#last.set(name, mine)
    const leave = (): void => {
      if (this.#last.get(name) === mine) this.#last.delete(name)
    }
    mine.then(leave, leave)
    return mine
  }

  /** Does `work` when all of any name that came before is over, and before all that comes after. */
  takeAll<T>(work: () => Promise<T>): Promise<T> {
    const before = [...this.#last.values(), ...(this.#alone === undefined ? [] : [this.#alone])]
    this.#last.clear()
    const mine = this.track(Promise.allSettled(before).then(work))
    this.#alone = mine
    const leave = (): void => {
      if (this.#alone === mine) this.#alone = undefined
    }
    mine.then(leave, leave)
    return mine
  }

  /** Counts it as running until it is over. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    const leave = (): void => {
      this.#running.delete(work)
    }
    work.then(leave, leave)
    return work
  }

  /** Resolves when everything that runs now is over, however it goes. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
