/** An entry on its way into the folder. */
import { createHash } from 'node:crypto'
import { open, rm, type FileHandle } from 'node:fs/promises'
import type { CacheWriter } from '../../plugins/cache.ts'
import { ignore } from './failures.ts'

/** What a writer needs of its store. */
export interface Shelf {
  /** Where to write until it is whole. */
  readonly temporary: string
  /** The most bytes of a body. */
  readonly most: number
  /** Makes the file an entry, unless it is not wanted any more. */
  shelve(temporary: string, isWanted: () => boolean): Promise<void>
  /** Counts work as running. */
  track<T>(work: Promise<T>): Promise<T>
}

/** Writes into a file of its own; a rename makes it an entry, so that there is never half of one. */
export class Writing implements CacheWriter {
  readonly #shelf: Shelf
  readonly #hash = createHash('sha256')
  readonly #file: FileHandle
  #body = 0
  #at = 0
  #last: Promise<unknown> = Promise.resolve()
  #state: 'open' | 'committing' | 'over' = 'open'

  private constructor(shelf: Shelf, file: FileHandle) {
    this.#shelf = shelf
    this.#file = file
  }

  /** Begins with what comes before the body. */
  static async begin(shelf: Shelf, head: Uint8Array): Promise<Writing> {
    const writing = new Writing(shelf, await open(shelf.temporary, 'wx', 0o600))
    try {
      await writing.#append(head)
    } catch (error) {
      await writing.#giveUp()
      throw error
    }
    return writing
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#then(() => {
      this.#body += bytes.length
      if (this.#body > this.#shelf.most) throw new RangeError(`the body is larger than ${this.#shelf.most} bytes`)
      return this.#append(bytes)
    })
  }

  commit(): Promise<void> {
    return this.#then(async () => {
      this.#state = 'committing'
      await this.#put(this.#hash.digest())
      await this.#file.close()
      await this.#shelf.shelve(this.#shelf.temporary, () => this.#state === 'committing')
      this.#state = 'over'
    })
  }

  abort(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    const end = (): Promise<void> => this.#giveUp()
    this.#shelf.track(this.#last.then(end, end)).catch(ignore)
  }

  /** One thing after the other; what fails gives the entry up. */
  #then(work: () => Promise<void>): Promise<void> {
    const turn = async (): Promise<void> => {
      if (this.#state !== 'open') throw new Error('this entry was committed or given up already')
      try {
        await work()
      } catch (error) {
        await this.#giveUp()
        throw error
      }
    }
    const done = this.#shelf.track(this.#last.then(turn))
    this.#last = done
    done.catch(ignore)
    return done
  }

  #append(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes)
    return this.#put(bytes)
  }

  /** A write may be cut short, as when the disk is full; the next one then says why. */
  async #put(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, from, bytes.length - from, this.#at)
      from += bytesWritten
      this.#at += bytesWritten
    }
  }

  async #giveUp(): Promise<void> {
    this.#state = 'over'
    await this.#file.close().catch(ignore)
    await rm(this.#shelf.temporary, { force: true }).catch(ignore)
  }
}
