/** Replies: what a route answers, as plain data, and short ways to write the usual ones. */
import type { Fault } from './fault.ts'

/** A piece of a body. Text is written as UTF-8. */
export type Piece = string | Uint8Array

/**
 * What a body can be made of. Text and bytes are sent as they are. Plain objects, arrays, numbers, booleans and `null`
 * are sent as JSON. Any other iterable is sent piece by piece: the next piece is asked for when the kernel took the last.
 * A route that is not a function is sent many times, so its iterable must be one that can be iterated many times
 * (`reply.chunks()`, `reply.bytes()`), not a generator.
 */
export type ReplyBody = Piece | Iterable<Piece> | AsyncIterable<Piece> | object | number | boolean | null

/** Header fields: a record (a list makes several lines), or pairs. Order and case are kept. */
export type ReplyHeaders =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | readonly (readonly [name: string, value: string | number])[]

/** How a request body is read: as fast as it comes, not at all (until `server.resume()`), or in small sips. */
export type ReadPace = 'all' | 'none' | 'slow' | { readonly bytes: number; readonly every: number }

/** An answer as data. `{}` is an empty 200. */
export interface Reply {
  /** Default 200. */
  readonly status?: number
  /** Default: the usual phrase. May be empty. */
  readonly statusText?: string
  /**
   * Sent as given. `content-length`, `transfer-encoding` and `connection` given here replace the ones the server would
   * add, so that lying is possible. No `date` or `server` is added.
   */
  readonly headers?: ReplyHeaders
  /** Not sent to HEAD and with 1xx, 204 and 304; `raw` is. */
  readonly body?: ReplyBody
  /** How the body ends. Default: `length` where it is known, else `chunked`; `close` to an HTTP/1.0 client. */
  readonly framing?: 'length' | 'chunked' | 'close'
  /** Informational heads (100, 102, 103), sent at once, before `delay`. */
  readonly informational?: readonly { readonly status: number; readonly headers?: ReplyHeaders }[]
  /** Sent after a chunked body, and makes it chunked. */
  readonly trailers?: ReplyHeaders
  /** Milliseconds between the request and the head. Default 0. */
  readonly delay?: number
  /** Milliseconds between the head and the body. Default 0. */
  readonly bodyDelay?: number
  /** `true` announces `Connection: close` and sends FIN after the answer. Default: as the client wishes. */
  readonly close?: boolean
  /** Exactly these bytes (text as latin1) instead of head and body. Keep-alive unless `close`. */
  readonly raw?: Piece | Iterable<Piece> | AsyncIterable<Piece>
  /** `true` answers before the request body is read, and reads it meanwhile. Default false. */
  readonly early?: boolean
  /** How the request body is read. `none` includes `early`. Default `all`. */
  readonly read?: ReadPace
  /** `false` never sends `100 Continue`, so that a client that asked for it waits. Default true. */
  readonly continue?: boolean
  /** What goes wrong, and where. */
  readonly fault?: Fault
}

type Init = Omit<Reply, 'body' | 'raw'>

/**
 * Writes the usual replies. Each takes the other fields of `Reply` as its last argument.
 *
 * @example
 * ```ts
 * import { reply, serve } from 'sluice/testing'
 *
 * await using server = await serve({ 'GET /hello': reply.json({ hello: 'world' }, { delay: 10 }) })
 * const response = await fetch(new URL('hello', server.url))
 * console.log(await response.json()) // { hello: 'world' }
 * ```
 */
export const reply = {
  /** Answers with JSON. */
  json: (value: unknown, init: Init = {}): Reply =>
    withType('application/json', { ...init, body: JSON.stringify(value) }),
  /** Answers with plain text. */
  text: (text: string, init: Init = {}): Reply => withType('text/plain; charset=utf-8', { ...init, body: text }),
  /** Answers with a status and no body. */
  status: (status: number, init: Init = {}): Reply => ({ ...init, status }),
  /** Sends the client elsewhere. `status` is 302 unless given. */
  redirect: (location: string, init: Init = {}): Reply => ({
    status: 302,
    ...init,
    headers: [...pairs(init.headers), ['location', location]],
  }),
  /**
   * Answers with `count` bytes that are made while they are sent, so that 512 MiB cost no memory. The byte at offset n is n % 256.
   * `Infinity` never ends. With `framing: 'chunked'` the length is not announced.
   */
  bytes: (count: number, init: Init = {}): Reply => ({ ...init, body: new Counted(count) }),
  /** Answers piece by piece; the pieces can be sent to many clients. */
  chunks: (pieces: readonly Piece[], init: Init = {}): Reply => ({
    ...init,
    body: { [Symbol.iterator]: () => pieces[Symbol.iterator]() },
  }),
  /** Answers with exactly these bytes, text as latin1. */
  raw: (bytes: NonNullable<Reply['raw']>, init: Init = {}): Reply => ({ ...init, raw: bytes }),
} as const

/** Bytes that are known by their count: iterable as often as one likes. */
export class Counted implements Iterable<Uint8Array> {
  readonly count: number

  constructor(count: number) {
    if (!(count >= 0)) throw new RangeError(`a body of ${count} bytes cannot be`)
    this.count = count
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    for (let left = this.count; left > 0; left -= BLOCK.length)
      yield left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left)
  }
}

const BLOCK = Uint8Array.from({ length: 64 * 1024 }, (_, at) => at % 256)

/** Turns header fields into pairs; a list of values becomes one pair each, `undefined` none. */
export function pairs(headers: ReplyHeaders = {}): (readonly [string, string])[] {
  const given: readonly (readonly [string, string | number | readonly string[] | undefined])[] = Array.isArray(headers)
    ? (headers as readonly (readonly [string, string | number])[])
    : Object.entries(headers)
  return given.flatMap(([name, value]) => {
    if (value === undefined) return []
    return (typeof value === 'object' ? value : [value]).map(line => [name, String(line)] as const)
  })
}

function withType(type: string, made: Reply): Reply {
  const headers = pairs(made.headers)
  if (!headers.some(([name]) => name.toLowerCase() === 'content-type')) headers.unshift(['content-type', type])
  return { ...made, headers }
}
