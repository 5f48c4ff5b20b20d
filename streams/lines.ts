/** Reads a body line by line. */
import { flag, optional, size, type Reader, type StreamingResponse } from '../src/index.ts'
import { charsetOf, decoder } from './reading/charset.ts'
import { Delimited } from './reading/delimited.ts'
import { fault } from './reading/fault.ts'
import { items, type ItemOptions, type Project } from './reading/items.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import type { Emit, Parser } from './reading/parser.ts'
import { reader } from './reading/reader.ts'

/** Options of `lines`. */
export interface LineOptions<R = string> extends ItemOptions<string, R> {
  /**
   * The most bytes of a line, without its end; a longer one fails with `TOO_LARGE`. `false`: any number.
   * Default: 1048576 (1 MiB).
   */
  readonly maxLine?: number | false | undefined
  /** Fails with `BODY` where bytes are no text of the charset. Default `false`: U+FFFD stands for them. */
  readonly fatal?: boolean | undefined
}

/**
 * Reads an answer line by line while it comes; with a projector the next line is taken when what it returned has completed, and
 * the server is held back meanwhile. Lines end in LF or CRLF, which are no part of them; a CR alone is. The last line counts without
 * an end too; an empty line is an empty string.
 *
 * The text is decoded by the charset of `Content-Type`, else as UTF-8; a byte order mark at the beginning is no part of it. UTF-16
 * cannot be cut into lines by its bytes and fails with `BODY`. An answer that is no success is the error `STATUS`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { lines } from 'sluice/streams/lines'
 *
 * const insert = async (line: string) => line.length
 *
 * createClient()
 *   .stream('https://api.example.com/rows', lines(line => insert(line)))
 *   .subscribe(length => console.log(length)) // 8
 * ```
 */
export function lines<R = string>(given?: Project<string, R> | LineOptions<R>): Reader<R> {
  const options = optionsOf<LineOptions<R>>('lines', given, {
    ...ITEM_CHECKS,
    maxLine: optional(size),
    fatal: optional(flag),
  })
  const { maxLine = 1024 * 1024, fatal = false } = options
  return reader(undefined, response => items(response, new Lines(response, maxLine, fatal), options))
}

/** Takes the line ends off, and the byte order mark. */
class Lines implements Parser<string> {
  readonly #delimited: Delimited
  #count = 0

  constructor(response: StreamingResponse, limit: number | false, fatal: boolean) {
    const text = decoder(charsetOf(response.headers), { fatal, ignoreBOM: true }, response)
    if (text.encoding.startsWith('utf-16')) {
      throw fault(
        'BODY',
        response,
        'The text of',
        `is ${text.encoding}, which cannot be read by lines; read it with text()`,
      )
    }
    this.#delimited = new Delimited({
      delimiter: 0x0a,
      limit,
      decode: bytes => text.decode(bytes),
      fail: (why, cause) =>
        why === 'large'
          ? fault(
              'TOO_LARGE',
              response,
              `Line ${this.#count + 1} of`,
              `has more than the ${String(limit)} bytes that maxLine allows`,
            )
          : fault('BODY', response, `Line ${this.#count + 1} of`, `is not ${text.encoding}`, { cause }),
    })
  }

  push(bytes: Uint8Array, emit: Emit<string>): void {
    this.#delimited.push(bytes, line => this.#emit(line, emit))
  }

  end(emit: Emit<string>): void {
    this.#delimited.end(line => this.#emit(line, emit))
  }

  #emit(line: string, emit: Emit<string>): boolean {
    const from = this.#count === 0 && line.charCodeAt(0) === 0xfeff ? 1 : 0
    const end = line.charCodeAt(line.length - 1) === 0x0d ? line.length - 1 : line.length
    this.#count++
    return emit(end - from === line.length ? line : line.slice(from, end))
  }
}
