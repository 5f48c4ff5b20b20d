/** Writes an answer into a store while somebody reads it, who neither waits for the store nor hears of its failures. */
import type { Careful } from './careful.ts'
import { isLater, quietly } from './careful.ts'
import type { Keeping } from './keeping.ts'
import type { CacheWriter } from './store.ts'

/** Bytes that may wait for a slow store, beside one piece of any size. More, and the entry is given up. */
const MOST_WAITING = 1024 * 1024

/** One entry being written. */
export class Recording {
  /** True once it was given up. */
  failed = false
  readonly #store: Careful
  readonly #key: string
  readonly #limit: number
  /** Asked before the entry becomes visible: false when what it holds has been overtaken. */
  readonly #valid: () => boolean
  #writer: CacheWriter | undefined
  #queue: Uint8Array[] = []
  #waiting = 0
  #size = 0
  #busy = false
  #whole = false
  #over = false
  /** Runs when all is written, or given up. */
  #done: (() => void) | undefined

  constructor(store: Careful, keeping: Keeping, limit: number, valid: () => boolean) {
    const { meta, variant } = keeping
    this.#store = store
    this.#key = meta.key
    this.#limit = limit
    this.#valid = valid
    this.#after(store.begin(meta.key, variant, meta), writer => {
      if (writer === undefined) this.abort()
      else if (this.#over) quietly(() => writer.abort())
      else this.#writer = writer
    })
  }

  private get ended(): boolean {
    return this.#over
  }

  /** Adds bytes; a copy is kept, because they belong to whoever reads them. */
  write(bytes: Uint8Array): void {
    if (this.#over || bytes.length === 0) return
    this.#size += bytes.length
    const tooSlow = this.#waiting > 0 && this.#waiting + bytes.length > MOST_WAITING
    if (this.#size > this.#limit || tooSlow) {
      this.abort()
      return
    }
    this.#queue.push(bytes.slice())
    this.#waiting += bytes.length
    this.#pump()
  }

  /** All bytes are here. */
  commit(): void {
    if (this.#over) return
    this.#whole = true
    this.#pump()
    if (this.ended) return
    this.#done = this.#store.settling(this.#key, () => {
      this.abort()
    })
  }

  /** Gives the entry up, unless it is whole: then only the store can still fail. */
  leave(): void {
    if (!this.#whole) this.abort()
  }

  abort(): void {
    if (this.#over) return
    const writer = this.#writer
    this.#end()
    this.failed = true
    if (writer !== undefined) quietly(() => writer.abort())
  }

  #pump(): void {
    while (!this.#busy && !this.#over) {
      const writer = this.#writer
      if (writer === undefined) return
      const bytes = this.#queue.shift()
      if (bytes !== undefined) {
        this.#waiting -= bytes.length
        this.#do(() => writer.write(bytes))
      } else {
        if (!this.#whole) return
        if (!this.#valid()) this.abort()
        else this.#do(() => writer.commit(), true)
      }
    }
  }

  /** One step of the store. What it throws ends the entry. */
  #do(work: () => unknown, last = false): void {
    let done: unknown
    try {
      done = work()
    } catch {
      this.abort()
      return
    }
    this.#after(done, () => {
      if (last) this.#end()
    })
  }

  #after<T>(value: T | PromiseLike<T>, then: (value: T) => void): void {
    if (!isLater(value)) {
      then(value)
      return
    }
    this.#busy = true
    value.then(
      settled => {
        this.#busy = false
        then(settled)
        this.#pump()
      },
      () => {
        this.abort()
      },
    )
  }

  #end(): void {
    this.#over = true
    this.#queue = []
    this.#writer = undefined
    const done = this.#done
    this.#done = undefined
    done?.()
  }
}
