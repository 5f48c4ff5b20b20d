/** What stands between the bytes of a body and its items. */

/** Turns bytes into items. One parser is for one body. */
export interface Parser<T> {
  /**
   * Hands on every item that is complete with these bytes, in order. `emit` answers false once nobody wants more; a parser
   * that looks at it can stop there. May throw: what was handed on before still counts. The bytes are not its own: what it
   * wants to keep of them it copies.
   */
  push(bytes: Uint8Array, emit: Emit<T>): void
  /** There are no more bytes: hands on what is left, or throws because it is cut off. */
  end(emit: Emit<T>): void
}

/** Takes an item; false once nobody wants more. */
export type Emit<T> = (item: T) => boolean
