/** What a reply has as body, as it goes over the wire: its pieces, its length, and the headers that tell of them. */
import { HttpHeaders, shown, type HeadersInit } from '../../src/index.ts'
import type { MockChunk, MockReply } from './reply.ts'
import { wrong } from './reply-check.ts'

/** A body in pieces. */
export interface WireBody {
  readonly chunks: Iterable<MockChunk>
  /** Missing when it is not announced. */
  readonly length: number | undefined
  readonly type?: string
}

const encoder = new TextEncoder()

/** Throws `CONFIG` for what cannot be a body. */
export function wireBodyOf({ body, chunks }: MockReply): WireBody {
  if (chunks !== undefined) {
    if (body !== undefined) throw wrong('can have a body or chunks, not both')
    return { chunks, length: undefined }
  }
  if (body === undefined) return { chunks: [], length: 0 }
  if (typeof body === 'string') return whole(encoder.encode(body))
  if (body instanceof Uint8Array) return whole(body)
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body))
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    if (Symbol.iterator in body) return { chunks: body as Iterable<MockChunk>, length: undefined }
    if (isStranger(body)) {
      throw wrong(`cannot have a ${body.constructor.name} as body; give its bytes, or chunks with pauses between them`)
    }
  }
  const json = JSON.stringify(body) as string | undefined
  if (json === undefined) throw wrong(`cannot have ${shown(body)} as body`)
  return { ...whole(encoder.encode(json)), type: 'application/json' }
}

/** Adds to the headers what tells of the body. */
export function headersOf(reply: MockReply, { length, type }: WireBody): HttpHeaders {
  const given = fieldsOf(reply.headers)
  const typed = type === undefined || given.has('content-type') ? given : given.set('content-type', type)
  const silent = reply.status === 204 || reply.status === 304 || reply.trailers !== undefined
  return length === undefined || silent || typed.has('content-length') ? typed : typed.set('content-length', length)
}

/** Reads header fields. The core coerces the numbers of a list of pairs too; its type only speaks of requests. */
export function fieldsOf(init: MockReply['headers']): HttpHeaders {
  return HttpHeaders.of(init as HeadersInit | undefined)
}

function whole(bytes: Uint8Array): WireBody {
  return { chunks: bytes.length === 0 ? [] : [bytes], length: bytes.length }
}

function isStranger(body: object): boolean {
  return Symbol.asyncIterator in body || body instanceof Blob || body instanceof Promise || ArrayBuffer.isView(body)
}
