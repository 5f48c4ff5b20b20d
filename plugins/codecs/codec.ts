/** What a codec is: values out of bodies of some media types, and bodies out of values. */
import { isTypeValid, parse } from 'content-type'
import {
  callback,
  config,
  listOf,
  optional,
  shown,
  type Check,
  type HttpHeaders,
  type HttpResponse,
} from '../../src/index.ts'
import { bareRange } from './ranges.ts'

/** What a `Content-Type` says. */
export interface MediaType {
  /** In lower case, without parameters: `application/json`. */
  readonly type: string
  /** By lower-case name, without a prototype. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Reads and writes bodies of some media types. */
export interface Codec {
  /**
   * The media types it is for, as `application/cbor`, or all of a kind, as `text/*`; the first one is what is asked for. One for `application/cbor` or
   * `text/cbor` is also for every type that ends in `+cbor` (RFC 6838 §4.2.8).
   */
  readonly types: readonly string[]
  /** How much answers of its type are wanted, above 0 and up to 1 (RFC 9110 §12.4.2). `false`: they are read and not asked for. Default: 1. */
  readonly accept?: number | false | undefined
  /** Writes the value a call was given as its body; text is sent in UTF-8. What it throws is the cause of a `CONFIG` error. */
  readonly encode?: ((value: object, type: MediaType) => Uint8Array | string) | undefined
  /** Reads the body of an answer. What it throws is the cause of a `BODY` error. It cannot be asynchronous, as `value()` is not. */
  readonly decode?: ((bytes: Uint8Array, type: MediaType, response: HttpResponse) => unknown) | undefined
}

const WEIGHT: Check = value =>
  value === false || (typeof value === 'number' && value > 0 && value <= 1)
    ? undefined
    : 'above 0 and up to 1, or false'

const CHECKS: Readonly<Record<string, Check>> = {
  types: value => (Array.isArray(value) && value.length > 0 ? listOf(bareRange)(value) : 'a list of media types'),
  accept: optional(WEIGHT),
  encode: optional(callback),
  decode: optional(callback),
}

/**
 * Makes a codec of what a library can do, for `codecs({ add: [...] })`. Throws `CONFIG` for what cannot be one.
 *
 * @example
 * ```ts
 * import { codec } from 'sluice/plugins/codecs'
 *
 * // Stands for a library, as for CBOR or MessagePack.
 * const lines = codec({
 *   types: ['text/x-lines'],
 *   encode: value => (value as string[]).join('\n'),
 *   decode: bytes => new TextDecoder().decode(bytes).split('\n'),
 * })
 * console.log(lines.types) // [ 'text/x-lines' ]
 * ```
 */
export function codec(spec: Codec): Codec {
  if (typeof spec !== 'object' || (spec as object | null) === null) {
    throw config(`A codec must be an object with types, encode and decode, not ${shown(spec)}.`)
  }
  const made = Object.assign(Object.create(null) as Codec, spec)
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = made[name as keyof Codec]
    const wanted = check(value)
    if (wanted !== undefined) throw config(`codec({ ${name} }) must be ${wanted}, not ${shown(value)}.`)
  }
  if (made.encode === undefined && made.decode === undefined) throw config('A codec must have encode, decode or both.')
  return Object.freeze(Object.assign(made, { types: Object.freeze(made.types.map(type => type.toLowerCase())) }))
}

/** What the headers say of the type of a body; `undefined` when that is nothing, or several things. */
export function mediaTypeOf(headers: HttpHeaders): MediaType | undefined {
  let found: MediaType | undefined
  for (const line of headers.getAll('content-type')) {
    // Some proxies say it twice, in two lines or in one.
    for (let start = 0; start < line.length;) {
      const { type, parameters, index } = parse(line, { start, comma: true, parameters: true })
      if (!isTypeValid(type) || (found !== undefined && found.type !== type)) return undefined
      found ??= { type, parameters }
      start = index + 1
    }
  }
  return found
}
