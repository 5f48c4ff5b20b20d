/** A reply as bytes: its head, and its body piece by piece. */
import { wantsMore, type RequestHead } from './head.ts'
import { Counted, pairs, type Piece, type Reply, type ReplyHeaders } from './reply.ts'
import { phrase } from './status.ts'

/** A body, ready to be written piece by piece. */
export interface EncodedBody {
  readonly pieces: Iterable<Piece> | AsyncIterable<Piece>
  /** Bytes of all pieces together, if that is known before they are made. */
  readonly length?: number
  /** The media type, where the body itself says what it is. */
  readonly type?: string
  /** How text becomes bytes. Default utf8. */
  readonly encoding?: 'latin1'
}

/** A head, ready to be written, and what it promises. */
export interface EncodedHead {
  readonly bytes: Uint8Array
  readonly chunked: boolean
  /** Whether a body follows on the wire. */
  readonly bodied: boolean
  /** Whether the connection ends with this answer. */
  readonly closes: boolean
}

/** A whole reply; one with `raw` has no head of its own. */
export interface Encoded {
  readonly head: EncodedHead | undefined
  readonly body: EncodedBody
}

/** Encodes what answers `request`. Throws a `TypeError` for a body that cannot be sent, or not framed as the reply asks. */
export function encode(reply: Reply, request: RequestHead): Encoded {
  if (reply.raw !== undefined) return { head: undefined, body: encodeRaw(reply.raw) }
  const body = encodeBody(reply.body)
  return { head: encodeHead(reply, body, request), body }
}

function encodeRaw(raw: NonNullable<Reply['raw']>): EncodedBody {
  if (typeof raw === 'string' || raw instanceof Uint8Array) return whole(bytesOf(raw, 'latin1'))
  return { pieces: raw, encoding: 'latin1' }
}

function encodeBody(body: Reply['body']): EncodedBody {
  if (body === undefined) return { length: 0, pieces: [] }
  if (body instanceof Counted) return body.count === Infinity ? { pieces: body } : { length: body.count, pieces: body }
  if (typeof body === 'string' || body instanceof Uint8Array) return whole(bytesOf(body))
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body))
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    if (Symbol.asyncIterator in body) return { pieces: body as AsyncIterable<Piece> }
    if (Symbol.iterator in body) return { pieces: body as Iterable<Piece> }
    if (body instanceof Blob || body instanceof Promise || ArrayBuffer.isView(body)) {
      throw new TypeError(`a body cannot be a ${body.constructor.name}; await it and give its bytes`)
    }
  }
  return { ...whole(bytesOf(JSON.stringify(body))), type: 'application/json' }
}

function encodeHead(reply: Reply, body: EncodedBody, request: RequestHead): EncodedHead {
  const { status = 200 } = reply
  const headers = pairs(reply.headers)
  const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted)
  const framing = reply.framing ?? usualFraming(reply, body, request, has)
  const empty = status < 200 || status === 204 || status === 304
  const keeps = wantsMore(request)
  const closes = framing === 'close' || (reply.close ?? !keeps)

  if (body.type !== undefined && !has('content-type')) headers.unshift(['content-type', body.type])
  if (framing === 'chunked' && !empty && !has('transfer-encoding')) headers.push(['transfer-encoding', 'chunked'])
  if (framing === 'length' && !empty && !has('content-length')) {
    if (body.length === undefined) {
      throw new TypeError("framing: 'length' needs a body of known length, or a content-length header")
    }
    headers.push(['content-length', String(body.length)])
  }
  if (closes && !has('connection')) headers.push(['connection', 'close'])
  if (!closes && request.httpVersion === '1.0' && !has('connection')) headers.push(['connection', 'keep-alive'])

  return {
    bytes: headBytes(status, reply.statusText, headers),
    chunked: framing === 'chunked',
    bodied: !empty && request.method !== 'HEAD',
    closes,
  }
}

/** Writes a head: status line, fields, empty line. */
export function headBytes(status: number, text: string | undefined, headers: ReplyHeaders | undefined): Uint8Array {
  const lines = pairs(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`HTTP/1.1 ${status} ${text ?? phrase(status)}\r\n${lines.join('')}\r\n`, 'latin1')
}

/** Writes what comes after the last piece of a chunked body. */
export function lastChunk(trailers: ReplyHeaders | undefined): Uint8Array {
  return Buffer.from(
    `0\r\n${pairs(trailers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
    'latin1',
  )
}

/** The bytes of a piece; text in `encoding`, which is utf8 unless given. */
export function bytesOf(piece: Piece, encoding: EncodedBody['encoding'] | 'utf8' = 'utf8'): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece, encoding) : piece
}

function whole(bytes: Uint8Array): EncodedBody {
  return { length: bytes.length, pieces: [bytes] }
}

function usualFraming(
  reply: Reply,
  body: EncodedBody,
  request: RequestHead,
  has: (name: string) => boolean,
): NonNullable<Reply['framing']> {
  if (reply.trailers !== undefined || has('transfer-encoding')) return 'chunked'
  if (body.length !== undefined || has('content-length')) return 'length'
  return request.httpVersion === '1.0' ? 'close' : 'chunked'
}
