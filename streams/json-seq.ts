/** Reads a body as a JSON text sequence. */
import { callback, isSchema, optional, size, type Reader, type Schema } from '../src/index.ts'
import { SequenceParser, type DroppedItem } from './json-seq/parser.ts'
import { items, type ItemOptions, type Project } from './reading/items.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import { reader } from './reading/reader.ts'
import { schema, validated } from './reading/validated.ts'

export type { DroppedItem } from './json-seq/parser.ts'

/** Options of `jsonSeq`. */
export interface JsonSeqOptions<T, R = T> extends ItemOptions<T, R> {
  /** Validates each item, and is what it is typed by. Default: none. */
  readonly schema?: Schema<T> | undefined
  /** The most bytes of an item; a larger one fails with `TOO_LARGE`. `false`: any number. Default: 1048576 (1 MiB). */
  readonly maxItem?: number | false | undefined
  /** Told of each item that is dropped; what it throws is the error of the stream. Default: none. */
  readonly onDropped?: ((dropped: DroppedItem) => void) | undefined
}

/**
 * Reads an answer as a JSON text sequence (RFC 7464, `application/json-seq`): each item begins with the character RS and ends with LF,
 * and may have many lines. An item that is complete is emitted at once. It is given a projector, a
 * [Standard Schema](https://standardschema.dev), or both in an object, as `ndjson` is.
 *
 * The format is made for logs that were cut in the middle of a write: an item that is no JSON in UTF-8 is dropped, and so is a number,
 * `true`, `false` or `null` at whose end no white space shows that it is whole (RFC 7464 §2.3, §2.4). Whoever must not miss one throws
 * in `onDropped`. A body that does not begin with RS is no sequence and fails with `BODY`; so does an item that does not match the
 * schema, with its number, counted from 1 without those dropped. An answer that is no success is the error `STATUS`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { jsonSeq } from 'sluice/streams/json-seq'
 *
 * createClient()
 *   .stream('https://api.example.com/sequence', jsonSeq<{ id: number }>())
 *   .subscribe(({ id }) => console.log(id)) // 1
 * ```
 */
export function jsonSeq<T = unknown>(): Reader<T>
export function jsonSeq<T>(schema: Schema<T>): Reader<T>
/** The types of items and results, both from the projector or both given. */
export function jsonSeq<T, R>(project: Project<T, R>): Reader<R>
/** The type of items is given, that of results is nobody's concern. */
export function jsonSeq<T>(project: Project<T, unknown>): Reader<unknown>
/** Options by name. */
export function jsonSeq<T, R = T>(options: JsonSeqOptions<T, R>): Reader<R>
export function jsonSeq(
  given?: Schema | Project<unknown, unknown> | JsonSeqOptions<unknown, unknown>,
): Reader<unknown> {
  const options = optionsOf<JsonSeqOptions<unknown, unknown>>('jsonSeq', isSchema(given) ? { schema: given } : given, {
    ...ITEM_CHECKS,
    schema: optional(schema),
    maxItem: optional(size),
    onDropped: optional(callback),
  })
  const { schema: wanted, project, concurrency, maxItem = 1024 * 1024, onDropped } = options
  return reader('application/json-seq, */*;q=0.1', response =>
    items(response, new SequenceParser(response, maxItem, onDropped), {
      project: wanted === undefined ? project : validated(response, wanted, project),
      concurrency,
    }),
  )
}
