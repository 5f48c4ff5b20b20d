/** Reads a body of many parts. */
import { Observable } from 'rxjs'
import { count, optional, size, type Check, type Part, type Reader } from '../src/index.ts'
import { boundaryOf } from './multipart/boundary.ts'
import type { LivePart } from './multipart/part.ts'
import { Parts } from './multipart/parts.ts'
import { ITEM_CHECKS, optionsOf } from './reading/options.ts'
import type { Parser } from './reading/parser.ts'
import { Projecting, type Project } from './reading/projecting.ts'
import { reader } from './reading/reader.ts'

export type { Part } from '../src/index.ts'
export type { LivePart } from './multipart/part.ts'

/** Options of `multipart`. */
export interface MultipartOptions<R = Part> {
  /** Called with each part while it arrives; what it returns is emitted in its place. Default: parts are gathered and emitted whole. */
  readonly project?: Project<LivePart, R> | undefined
  /** The most parts; one more fails with `TOO_LARGE`. `false`: any number, for streams without end. Default: 1000. */
  readonly maxParts?: number | false | undefined
  /** The most bytes of the header fields of a part; more fail with `TOO_LARGE`. Default: 16384. */
  readonly maxHeader?: number | undefined
  /** The most bytes of a part that is gathered; more fail with `TOO_LARGE`. `false`: any number. Default: 16777216 (16 MiB). */
  readonly maxPart?: number | false | undefined
}

const upTo: Check = value =>
  value === false || count(value) === undefined ? undefined : 'a whole number of at least 0, or false for no limit'

/**
 * Reads an answer of many parts (RFC 2046: `multipart/mixed`, `multipart/byteranges`; RFC 7578: `multipart/form-data`). Parts are
 * emitted whole, each when it has arrived. With a projector they are handed on while they arrive: read one with `part.read()`, iterate
 * it, gather it with `part.whole()`, or leave it to be skipped. The next one comes when what the projector returned has completed;
 * the server is held back meanwhile.
 *
 * `part.filename` is the name of a file and never a path. What comes before the first and behind the last boundary is no part. A body
 * that ends before its last boundary fails with `BODY`, as do an answer of another type and header fields that are none. An answer
 * that is no success is the error `STATUS`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { multipart } from 'sluice/streams/multipart'
 *
 * createClient()
 *   .stream('https://api.example.com/parts', multipart())
 *   .subscribe(part => console.log(part.name, part.filename, part.text())) // report r.csv a;b
 * ```
 */
export function multipart<R = Part>(given?: Project<LivePart, R> | MultipartOptions<R>): Reader<R> {
  const options = optionsOf<MultipartOptions<R>>('multipart', given, {
    project: ITEM_CHECKS.project,
    maxParts: optional(upTo),
    maxHeader: optional(count),
    maxPart: optional(size),
  })
  const { maxParts = 1000, maxHeader = 16 * 1024, maxPart = 16 * 1024 * 1024 } = options
  // Without a projector, R is Part.
  const project = options.project ?? (whole as unknown as Project<LivePart, R>)
  return reader('multipart/*', response => {
    const boundary = boundaryOf(response)
    return new Observable<R>(subscriber => {
      const parts = new Parts(response, boundary, { maxParts, maxHeader, maxPart })
      new Projecting(parts, ONE_BY_ONE, project, 1, subscriber).advance()
    })
  })
}

const whole: Project<LivePart, Part> = part => part.whole()

const ONE_BY_ONE: Parser<LivePart, LivePart> = {
  push(part, emit) {
    emit(part)
  },
  end() {
    // Nothing is kept back.
  },
}
