/** What stands between the bytes of a body and its items. */

/** Turns what is read into items. One parser is for one body. */
export interface Parser<T, Chunk = Uint8Array> {
  /**
   * Hands on every item that is complete with this chunk, in order. `emit` answers false once nobody wants more; a parser
   * that looks at it can stop there. May throw: what was handed on before still counts. The bytes are not its own: what it
   * wants to keep of them it copies.
   */
  push(chunk: Chunk, emit: Emit<T>): void
  /** There is nothing more: hands on what is left, or throws because it is cut off. */
  end(emit: Emit<T>): void
}

/** Takes an item; false once nobody wants more. */
export type Emit<T> = (item: T) => boolean

/** What is read chunk by chunk, each when it is wanted; every live answer is one. */
export interface Readable<Chunk = Uint8Array> {
  /** The next chunk, `undefined` at the end. */
  read(): Promise<Chunk | undefined>
}
