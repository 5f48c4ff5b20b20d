/** Reads a body as one JSON value a line. */
import { isSchema, optional, size, type Reader, type Schema, type StreamingResponse } from '../src/index.ts'
import { Delimited } from './reading/delimited.ts'
import { fault } from './reading/fault.ts'
import { items, type ItemOptions, type Project } from './reading/items.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import type { Emit, Parser } from './reading/parser.ts'
import { reader } from './reading/reader.ts'
import { schema, validated } from './reading/validated.ts'

/** Options of `ndjson`. */
export interface NdjsonOptions<T, R = T> extends ItemOptions<T, R> {
  /** Validates each item, and is what it is typed by. Default: none. */
  readonly schema?: Schema<T> | undefined
  /** The most bytes of an item; a larger one fails with `TOO_LARGE`. `false`: any number. Default: 1048576 (1 MiB). */
  readonly maxItem?: number | false | undefined
}

const ACCEPT = 'application/x-ndjson, application/jsonl;q=0.9, */*;q=0.1'

/**
 * Reads an answer as NDJSON (JSON Lines): one JSON value a line, emitted while it comes. It is given a projector, a
 * [Standard Schema](https://standardschema.dev), or both in an object. With a projector the next item is taken when what it
 * returned has completed, and the server is held back meanwhile.
 *
 * Blank lines are skipped; the last item counts without an end of its line too. What is no JSON in UTF-8, or does not match the
 * schema, fails with `BODY` and the number of the item, counted from 1, after the items before it; the message never quotes it. What
 * the schema found is in `error.issues`. An answer that is no success is the error `STATUS`. Not the reader for one large JSON
 * document over many lines.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { ndjson } from 'sluice/streams/ndjson'
 *
 * interface Row {
 *   readonly id: number
 * }
 * const insert = async (row: Row) => `inserted ${row.id}`
 *
 * createClient()
 *   .stream('https://api.example.com/rows', ndjson((row: Row) => insert(row)))
 *   .subscribe(done => console.log(done)) // inserted 1
 * ```
 */
export function ndjson<T = unknown>(): Reader<T>
export function ndjson<T>(schema: Schema<T>): Reader<T>
/** The types of items and results, both from the projector or both given. */
export function ndjson<T, R>(project: Project<T, R>): Reader<R>
/** The type of items is given, that of results is nobody's concern. */
export function ndjson<T>(project: Project<T, unknown>): Reader<unknown>
/** Options by name. */
export function ndjson<T, R = T>(options: NdjsonOptions<T, R>): Reader<R>
export function ndjson(given?: Schema | Project<unknown, unknown> | NdjsonOptions<unknown, unknown>): Reader<unknown> {
  const options = optionsOf<NdjsonOptions<unknown, unknown>>('ndjson', isSchema(given) ? { schema: given } : given, {
    ...ITEM_CHECKS,
    schema: optional(schema),
    maxItem: optional(size),
  })
  const { schema: wanted, project, concurrency, maxItem = 1024 * 1024 } = options
  return reader(ACCEPT, response =>
    items(response, new Json(response, maxItem), {
      project: wanted === undefined ? project : validated(response, wanted, project),
      concurrency,
    }),
  )
}

/** Parses line by line. */
class Json implements Parser<unknown> {
  readonly #response: StreamingResponse
  readonly #delimited: Delimited
  #count = 0
  /** There was a byte order mark, and is no other. */
  #marked = false
  #emit: Emit<unknown> = () => true

  constructor(response: StreamingResponse, limit: number | false) {
    this.#response = response
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    this.#delimited = new Delimited({
      delimiter: 0x0a,
      limit,
      decode: bytes => utf8.decode(bytes),
      fail: (why, cause) =>
        why === 'large'
          ? fault('TOO_LARGE', response, this.#item(), `has more than the ${String(limit)} bytes that maxItem allows`)
          : fault('BODY', response, this.#item(), 'is not UTF-8', { cause }),
    })
  }

  push(bytes: Uint8Array, emit: Emit<unknown>): void {
    this.#emit = emit
    this.#delimited.push(bytes, this.#take)
  }

  end(emit: Emit<unknown>): void {
    this.#emit = emit
    this.#delimited.end(this.#take)
  }

  readonly #take = (line: string): boolean => {
    if (line === '' || line === '\r') return true
    let item: unknown
    try {
      item = JSON.parse(line)
    } catch {
      return this.#retake(line)
    }
    this.#count++
    return this.#emit(item)
  }

  /** What the parser does not take: a blank line, a byte order mark at the beginning, or what is no JSON. */
  #retake(line: string): boolean {
    if (/^[ \t\r]*$/.test(line)) return true
    if (this.#count === 0 && !this.#marked && line.startsWith('\ufeff')) {
      this.#marked = true
      return this.#take(line.slice(1))
    }
    // The parser's own message quotes the item, which may hold secrets.
    throw fault('BODY', this.#response, this.#item(), 'is no valid JSON')
  }

  #item(): string {
    return `Item ${this.#count + 1} of`
  }
}
