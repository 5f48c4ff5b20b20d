/** What the frames of a client mean. */
import { BadRequest } from '../request-head.ts'
import { CODE, ConnectionError, contentOf, FLAG, SETTING, TYPE, type Frame } from './frames.ts'
import { FieldReader } from './hpack.ts'
import { requestHead, requestTrailers } from './request.ts'
import type { Session } from './session.ts'

/** The most a client may say in one head. */
const HEAD_LIMIT = 256 * 1024

/** Tells a session what each frame means, in their order. */
export class Frames {
  readonly #session: Session
  readonly #fields = new FieldReader()
  /** A block of header fields whose end has not come yet. */
  #block: { stream: number; parts: Buffer[]; size: number; endStream: boolean } | undefined
  #settled = false

  constructor(session: Session) {
    this.#session = session
  }

  /** Takes the next frame. Throws `ConnectionError`. */
  take(frame: Frame): void {
    const { type, flags, stream, payload } = frame
    if (!this.#settled && type !== TYPE.settings) throw new ConnectionError(CODE.protocol, 'SETTINGS do not come first')
    if (this.#block && (type !== TYPE.continuation || stream !== this.#block.stream))
      throw new ConnectionError(CODE.protocol, 'something comes between HEADERS and CONTINUATION')
    if (type === TYPE.data) this.#data(frame)
    else if (type === TYPE.headers) {
      this.#block = { stream, parts: [], size: 0, endStream: (flags & FLAG.endStream) !== 0 }
      this.#continue(contentOf(frame), flags)
    } else if (type === TYPE.continuation) this.#continue(payload, flags)
    else if (type === TYPE.rstStream) this.#session.stream(stream)?.left(word(payload))
    else if (type === TYPE.settings) this.#settings(flags, payload)
    else if (type === TYPE.ping) {
      if ((flags & FLAG.ack) === 0) this.#session.pong(payload)
    } else if (type === TYPE.goaway) this.#session.farewell(word(payload.subarray(4)))
    else if (type === TYPE.windowUpdate) this.#session.grow(stream, word(payload) & 0x7f_ff_ff_ff)
    else if (type === TYPE.pushPromise) throw new ConnectionError(CODE.protocol, 'a client cannot push')
    // PRIORITY says nothing any more, and unknown types are passed over (RFC 9113 §5.5).
  }

  #data(frame: Frame): void {
    const { flags, stream: id, payload } = frame
    // The connection must not stand still because nobody reads one of its streams.
    if (payload.length > 0) this.#session.allow(0, payload.length)
    const stream = this.#session.stream(id)
    if (!stream) return
    if (!stream.receiving) {
      stream.refuse(CODE.streamClosed, 'DATA came after the end of a request')
      return
    }
    stream.data(contentOf(frame), payload.length)
    if ((flags & FLAG.endStream) !== 0 && !stream.gone.aborted) stream.end()
  }

  #continue(part: Buffer, flags: number): void {
    const block = this.#block
    if (!block) throw new ConnectionError(CODE.protocol, 'CONTINUATION comes after nothing')
    block.parts.push(part)
    block.size += part.length
    if (block.size > HEAD_LIMIT) throw new ConnectionError(CODE.protocol, `a head is longer than ${HEAD_LIMIT} bytes`)
    if ((flags & FLAG.endHeaders) === 0) return
    this.#block = undefined
    // Read also when nobody wants it: what comes later refers to it.
    const fields = this.#fields.read(Buffer.concat(block.parts))
    const stream = this.#session.stream(block.stream)
    try {
      if (stream) stream.end(requestTrailers(fields))
      else if (this.#session.begins(block.stream))
        this.#session.request(block.stream, requestHead(fields), block.endStream)
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error
      this.#session.note(error)
      if (stream) stream.reset(CODE.protocol)
      else this.#session.resetStream(block.stream, CODE.protocol)
    }
  }

  #settings(flags: number, payload: Buffer): void {
    this.#settled = true
    if ((flags & FLAG.ack) !== 0) return
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === SETTING.initialWindowSize) this.#session.sends(payload.readUInt32BE(at + 2))
    }
    this.#session.agree()
  }
}

function word(payload: Buffer): number {
  if (payload.length < 4) throw new ConnectionError(CODE.frameSize, 'a frame is shorter than it must be')
  return payload.readUInt32BE(0)
}
