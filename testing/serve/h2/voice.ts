/** Turns a reply into frames of one stream. */
import { encodeBody, type EncodedBody } from '../body.ts'
import { pairs, type Reply, type ReplyHeaders } from '../reply.ts'
import type { RequestHead } from '../request-head.ts'
import type { Voice } from '../wire.ts'
import { FLAG, frame, headerFrames, TYPE } from './frames.ts'
import { encodeFields, type Field } from './hpack.ts'
import type { Stream } from './stream.ts'

/** Says one reply on a stream. */
export class StreamVoice implements Voice {
  readonly head: Uint8Array | undefined
  readonly body: EncodedBody
  readonly bodied: boolean
  readonly closes: boolean
  readonly #stream: Stream
  readonly #trailers: ReplyHeaders | undefined
  readonly #raw: boolean
  #every: number | undefined
  #headLeft: number
  #release: (() => void) | undefined

  /** Throws a `TypeError` for a body that cannot be sent, or not framed as the reply asks. */
  constructor(stream: Stream, reply: Reply, request: RequestHead) {
    this.#stream = stream
    this.#raw = reply.raw !== undefined
    this.#trailers = reply.trailers
    this.body = encodeBody(reply)
    this.closes = reply.close === true
    const { status = 200, fault } = reply
    const empty = status < 200 || status === 204 || status === 304 || request.method === 'HEAD'
    const over = empty || (this.body.length === 0 && reply.trailers === undefined && fault === undefined)
    this.bodied = this.#raw || !over
    this.head = this.#raw ? undefined : headerFrames(stream.id, encodeFields(fieldsOf(reply, this.body)), over)
    this.#headLeft = this.head?.length ?? 0
  }

  drip(ms: number | undefined): void {
    this.#every = ms
  }

  async writeHead(part: Uint8Array): Promise<void> {
    const { session } = this.#stream
    // No other frame may come between the parts.
    this.#release ??= await session.out.turn()
    this.#headLeft -= part.length
    if (this.#headLeft === 0 && !this.bodied) this.#stream.ending()
    await session.out.put(part, this.#every)
    if (this.#headLeft > 0) return
    this.#release()
    if (!this.bodied) this.#stream.ended()
  }

  async begin(): Promise<void> {
    // Frames say how long they are.
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#raw) {
      await this.#stream.session.out.say(bytes, this.#every)
      return
    }
    for (let at = 0; at < bytes.length;) {
      const room = await this.#stream.room(this.#every === undefined ? bytes.length - at : 1)
      await this.#stream.session.out.say(
        frame(TYPE.data, 0, this.#stream.id, bytes.subarray(at, at + room)),
        this.#every,
      )
      at += room
    }
  }

  async done(): Promise<void> {
    // Nothing comes between the pieces.
  }

  async end(): Promise<void> {
    const { session, id } = this.#stream
    if (this.#raw) return
    const last =
      this.#trailers === undefined
        ? frame(TYPE.data, FLAG.endStream, id)
        : headerFrames(id, encodeFields(lowered(this.#trailers)), true)
    const release = await session.out.turn()
    this.#stream.ending()
    try {
      await session.out.put(last, this.#every)
    } finally {
      release()
    }
    this.#stream.ended()
  }
}

/** Writes an informational head. */
export function informationalFrames(stream: number, status: number, headers: ReplyHeaders | undefined): Buffer {
  return headerFrames(stream, encodeFields([[':status', String(status)], ...lowered(headers)]), false)
}

function fieldsOf(reply: Reply, body: EncodedBody): readonly Field[] {
  const { status = 200, framing = 'length' } = reply
  const fields: Field[] = lowered(reply.headers)
  const has = (wanted: string): boolean => fields.some(([name]) => name === wanted)
  const empty = status < 200 || status === 204 || status === 304
  if (body.type !== undefined && !has('content-type')) fields.unshift(['content-type', body.type])
  if (framing === 'length' && !empty && !has('content-length')) {
    if (body.length !== undefined) fields.push(['content-length', String(body.length)])
    else if (reply.framing === 'length')
      throw new TypeError("framing: 'length' needs a body of known length, or a content-length header")
  }
  return [[':status', String(status)], ...fields]
}

function lowered(headers: ReplyHeaders | undefined): Field[] {
  return pairs(headers).map(([name, value]) => [name.toLowerCase(), value])
}
