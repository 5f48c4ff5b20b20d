/** Reads a body as text while it comes. */
import { flag, optional, type Reader, type StreamingResponse } from '../src/index.ts'
import { charsetOf, decoder } from './reading/charset.ts'
import { fault } from './reading/fault.ts'
import { items, type ItemOptions, type Project } from './reading/items.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import type { Emit, Parser } from './reading/parser.ts'
import { reader } from './reading/reader.ts'

/** The most bytes for a projector at a time: what a socket has at once. */
const PIECE = 64 * 1024

/** Options of `text`. */
export interface TextOptions<R = string> extends ItemOptions<string, R> {
  /** Fails with `BODY` where bytes are no text of the charset. Default `false`: U+FFFD stands for them. */
  readonly fatal?: boolean | undefined
}

/**
 * Reads an answer as text while it comes, by the charset of its `Content-Type`, else UTF-8. A character that is cut by the network
 * comes whole with the next piece; a byte order mark at the beginning is no part of the text (WHATWG Encoding).
 *
 * Not the reader for lines or events: a piece may begin and end anywhere. An answer that is no success is the error `STATUS`; a
 * charset the platform does not know is `BODY`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { text } from 'sluice/streams/text'
 *
 * createClient()
 *   .stream('https://api.example.com/rows', text())
 *   .subscribe(piece => console.log(piece.length)) // 27
 * ```
 */
export function text<R = string>(given?: Project<string, R> | TextOptions<R>): Reader<R> {
  const options = optionsOf<TextOptions<R>>('text', given, { ...ITEM_CHECKS, fatal: optional(flag) })
  const { fatal = false } = options
  return reader(undefined, response => items(response, new Pieces(response, fatal), options, PIECE))
}

/** Decodes chunk by chunk. */
class Pieces implements Parser<string> {
  readonly #response: StreamingResponse
  readonly #decoder: TextDecoder

  constructor(response: StreamingResponse, fatal: boolean) {
    this.#response = response
    this.#decoder = decoder(charsetOf(response.headers), { fatal, ignoreBOM: false }, response)
  }

  push(bytes: Uint8Array, emit: Emit<string>): void {
    this.#decode(bytes, true, emit)
  }

  end(emit: Emit<string>): void {
    this.#decode(new Uint8Array(0), false, emit)
  }

  #decode(bytes: Uint8Array, stream: boolean, emit: Emit<string>): void {
    let piece: string
    try {
      piece = this.#decoder.decode(bytes, { stream })
    } catch (cause) {
      throw fault('BODY', this.#response, 'The text of', `is not ${this.#decoder.encoding}`, { cause })
    }
    if (piece !== '') emit(piece)
  }
}
