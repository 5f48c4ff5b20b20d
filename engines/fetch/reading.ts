/** The body of an answer, asked for one chunk at a time, and for none while it is paused. */

/** Reads a stream for as long as somebody wants it. It may be paused before there is a stream. */
export class Reading {
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #resumed: PromiseWithResolvers<undefined> | undefined

  /** Takes the body; without one the end comes at once. */
  begin(body: ReadableStream<Uint8Array> | null): void {
    this.#reader = body?.getReader()
  }

  /** The next chunk that has bytes, once nothing holds it back; `undefined` at the end. Rejects as the stream does. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      while (this.#resumed !== undefined) await this.#resumed.promise
      const bytes = (await this.#reader?.read())?.value
      if (bytes?.length !== 0) return bytes
    }
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumed?.resolve(undefined)
    this.#resumed = undefined
  }

  /** Lets go of it. Deno goes on receiving a body that nobody reads when its request was aborted. */
  leave(): void {
    this.#reader?.cancel().catch(ignore)
    this.resume()
  }
}

function ignore(): void {
  // Nobody wants it any more; how it ends is its own affair.
}
