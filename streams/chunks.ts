/** Reads a body as it comes. */
import type { Reader } from '../src/index.ts'
import { items, type ItemOptions, type Project } from './reading/items.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import type { Parser } from './reading/parser.ts'
import { reader } from './reading/reader.ts'

/** The most bytes for a projector at a time: what a socket has at once. */
const PIECE = 64 * 1024

/** Options of `chunks`. */
export type ChunkOptions<R = Uint8Array> = ItemOptions<Uint8Array, R>

/**
 * Reads the bytes of an answer as they come, in whatever pieces. With a projector they come as fast as what it returns completes.
 *
 * Not the reader for anything that has parts: a piece may begin and end anywhere. An answer that is no success is the error `STATUS`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { chunks } from 'sluice/streams/chunks'
 * import { reduce } from 'rxjs'
 *
 * createClient()
 *   .stream('https://api.example.com/big.iso', chunks())
 *   .pipe(reduce((size, bytes) => size + bytes.length, 0))
 *   .subscribe(size => console.log(size)) // 4194304
 * ```
 */
export function chunks<R = Uint8Array>(given?: Project<Uint8Array, R> | ChunkOptions<R>): Reader<R> {
  const options = optionsOf<ItemOptions<Uint8Array, R>>('chunks', given, ITEM_CHECKS)
  return reader(undefined, response => items(response, AS_THEY_COME, options, PIECE))
}

const AS_THEY_COME: Parser<Uint8Array> = {
  push(bytes, emit) {
    emit(bytes)
  },
  end() {
    // Nothing is kept back.
  },
}
