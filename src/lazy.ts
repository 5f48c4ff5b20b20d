/** Something that is made the first time it is needed. */

/** Holds a value that is there at once, or is loaded on the first demand and then kept. */
export class Lazy<T> {
  readonly #make: () => T | Promise<T>
  readonly #loaded: PromiseWithResolvers<T> = Promise.withResolvers()
  #started = false
  /** The value, once it is there. */
  now: T | undefined

  constructor(make: () => T | Promise<T>) {
    this.#make = make
    // Whoever loads hears of a failure; without anybody loading there is none.
    this.#loaded.promise.catch(() => undefined)
  }

  /** Holds a value that is there already. */
  static of<T>(value: T): Lazy<T> {
    const lazy = new Lazy<T>(() => value)
    lazy.now = value
    void lazy.load()
    return lazy
  }

  /** True once loading has begun. */
  get started(): boolean {
    return this.#started
  }

  /** Resolves with the value when somebody loads it; does not load it. */
  get loaded(): Promise<T> {
    return this.#loaded.promise
  }

  /** Loads the value if nobody has yet. */
  load(): Promise<T> {
    if (!this.#started) {
      this.#started = true
      void this.#run()
    }
    return this.#loaded.promise
  }

  async #run(): Promise<void> {
    try {
      this.now = await this.#make()
      this.#loaded.resolve(this.now)
    } catch (error) {
      this.#loaded.reject(error)
    }
  }
}
