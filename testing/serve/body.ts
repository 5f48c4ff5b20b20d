/** What the body of a reply is made of, ready to be written piece by piece. */
import { Counted, type Piece, type Reply } from './reply.ts'

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

/** Encodes the body of a reply, or its raw bytes. Throws a `TypeError` for one that cannot be sent. */
export function encodeBody(reply: Reply): EncodedBody {
  return reply.raw === undefined ? encode(reply.body) : encodeRaw(reply.raw)
}

function encodeRaw(raw: NonNullable<Reply['raw']>): EncodedBody {
  if (typeof raw === 'string' || raw instanceof Uint8Array) return whole(bytesOf(raw, 'latin1'))
  return { pieces: raw, encoding: 'latin1' }
}

function encode(body: Reply['body']): EncodedBody {
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

/** The bytes of a piece; text in `encoding`, which is utf8 unless given. */
export function bytesOf(piece: Piece, encoding: EncodedBody['encoding'] | 'utf8' = 'utf8'): Uint8Array {
  return typeof piece === 'string' ? Buffer.from(piece, encoding) : piece
}

function whole(bytes: Uint8Array): EncodedBody {
  return { length: bytes.length, pieces: [bytes] }
}
