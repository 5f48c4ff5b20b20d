/** Turns a reply into the bytes of HTTP/1.1, piece by piece. */
import { encodeBody, type EncodedBody } from '../body.ts'
import { pairs, type Reply, type ReplyHeaders } from '../reply.ts'
import { wantsMore, type RequestHead } from '../request-head.ts'
import { phrase } from '../status.ts'
import type { Voice } from '../wire.ts'
import type { Outlet } from '../outlet.ts'

/** Says one reply on a connection. */
export class PlainVoice implements Voice {
  readonly head: Uint8Array | undefined
  readonly body: EncodedBody
  readonly bodied: boolean
  readonly closes: boolean
  readonly #outlet: Outlet
  readonly #chunked: boolean
  readonly #trailers: ReplyHeaders | undefined

  /** Throws a `TypeError` for a body that cannot be sent, or not framed as the reply asks. */
  constructor(outlet: Outlet, reply: Reply, request: RequestHead) {
    this.#outlet = outlet
    this.body = encodeBody(reply)
    this.#trailers = reply.trailers
    const head = reply.raw === undefined ? encodeHead(reply, this.body, request) : undefined
    this.head = head?.bytes
    this.bodied = head?.bodied ?? true
    this.closes = head ? head.closes : reply.close === true
    this.#chunked = head !== undefined && head.chunked && head.bodied
  }

  drip(ms: number | undefined): void {
    this.#outlet.drip(ms)
  }

  writeHead(part: Uint8Array): Promise<void> {
    return this.#outlet.write(part)
  }

  async begin(length: number): Promise<void> {
    // A chunk of no bytes would end the body.
    if (this.#chunked && length > 0) await this.#outlet.write(Buffer.from(`${length.toString(16)}\r\n`))
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#outlet.write(bytes)
  }

  async done(length: number): Promise<void> {
    if (this.#chunked && length > 0) await this.#outlet.write(CRLF)
  }

  async end(): Promise<void> {
    if (this.#chunked) await this.#outlet.write(lastChunk(this.#trailers))
  }
}

/** Writes a head: status line, fields, empty line. */
export function headBytes(status: number, text: string | undefined, headers: ReplyHeaders | undefined): Uint8Array {
  const lines = pairs(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`HTTP/1.1 ${status} ${text ?? phrase(status)}\r\n${lines.join('')}\r\n`, 'latin1')
}

function lastChunk(trailers: ReplyHeaders | undefined): Uint8Array {
  const lines = pairs(trailers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`0\r\n${lines.join('')}\r\n`, 'latin1')
}

/** A head, ready to be written, and what it promises. */
interface EncodedHead {
  readonly bytes: Uint8Array
  readonly chunked: boolean
  readonly bodied: boolean
  readonly closes: boolean
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

const CRLF = Buffer.from('\r\n')
