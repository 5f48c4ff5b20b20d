/** Collects a body whose length is known, for platforms that cannot send it while it is produced. */
import type { UploadIterator, UploadSource } from '../../src/index.ts'

/** How many bytes are put into one blob, which a browser may keep on its disk. */
const BLOCK = 1024 * 1024

/** Pulls a source to its end, and stops it exactly once when that is not wanted any more. */
export class Collecting {
  #iterator: UploadIterator | undefined
  #over = false

  /** Calls `done` with all of it, or `failed` with the error of the source; neither after `stop()`. */
  start(source: UploadSource, done: (body: Blob) => void, failed: (error: unknown) => void): void {
    this.#collect(source).then(
      body => {
        if (this.#over) return
        this.#over = true
        done(body)
      },
      (error: unknown) => {
        if (this.#over) return
        this.#over = true
        failed(error)
      },
    )
  }

  stop(): void {
    if (this.#over) return
    this.#over = true
    this.#iterator?.return().catch(ignore)
  }

  async #collect(source: UploadSource): Promise<Blob> {
    const iterator = (this.#iterator = source.open())
    const blobs: Blob[] = []
    let block: Uint8Array<ArrayBuffer>[] = []
    let size = 0
    for (let step = await iterator.next(); step.done !== true && !this.#over; step = await iterator.next()) {
      block.push(step.value as Uint8Array<ArrayBuffer>)
      size += step.value.length
      if (size < BLOCK) continue
      blobs.push(new Blob(block))
      block = []
      size = 0
    }
    return new Blob([...blobs, ...block])
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}
