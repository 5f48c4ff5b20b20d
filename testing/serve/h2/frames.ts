/** Frames of HTTP/2 (RFC 9113 §4 and §6), in bytes. */

/** Types of frames. */
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** Flags of frames. */
export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** Error codes (RFC 9113 §7). */
export const CODE = {
  noError: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
} as const

/** Settings a peer announces. */
export const SETTING = { maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5 } as const

/** What a client says first. */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** The largest payload a peer takes that has not said otherwise. */
export const FRAME_SIZE = 16_384

/** One frame. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Breaks the rules of HTTP/2 so that the connection must end with this code. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** Writes a frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = EMPTY): Buffer {
  const bytes = Buffer.alloc(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes.writeUInt8(type, 3)
  bytes.writeUInt8(flags, 4)
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, 9)
  return bytes
}

/** Writes a block of header fields as HEADERS, and CONTINUATION where one frame does not hold it. */
export function headerFrames(stream: number, block: Uint8Array, endStream: boolean): Buffer {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < block.length; at += FRAME_SIZE) {
    const last = at + FRAME_SIZE >= block.length ? FLAG.endHeaders : 0
    const type = at === 0 ? TYPE.headers : TYPE.continuation
    frames.push(
      frame(type, (at === 0 && endStream ? FLAG.endStream : 0) | last, stream, block.subarray(at, at + FRAME_SIZE)),
    )
  }
  return Buffer.concat(frames)
}

/** Writes 32-bit numbers one after the other. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at)
  return bytes
}

/** Writes a SETTINGS frame. */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length)
  for (const [at, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * at)
    payload.writeUInt32BE(value, 6 * at + 2)
  }
  return frame(TYPE.settings, 0, 0, payload)
}

/** The payload of a DATA or HEADERS frame without padding and priority. Throws `ConnectionError`. */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  const padded = (flags & FLAG.padded) !== 0
  const pad = padded ? (payload[0] ?? 0) : 0
  const from = (padded ? 1 : 0) + (type === TYPE.headers && (flags & FLAG.priority) !== 0 ? 5 : 0)
  if (from + pad > payload.length) throw new ConnectionError(CODE.protocol, 'a frame has more padding than it has room')
  return payload.subarray(from, payload.length - pad)
}

/** Cuts what arrives into frames, the preface of the client first. */
export class FrameReader {
  #rest: Buffer = EMPTY
  #begun = false;

  /** The frames that are complete with these bytes. Throws `ConnectionError`. */
  *push(bytes: Buffer): Generator<Frame, void, undefined> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    if (!this.#begun) {
      const seen = this.#rest.subarray(0, PREFACE.length)
      if (!seen.equals(PREFACE.subarray(0, seen.length)))
        throw new ConnectionError(CODE.protocol, `this is no HTTP/2: ${JSON.stringify(seen.toString('latin1'))}`)
      if (seen.length < PREFACE.length) return
      this.#begun = true
      this.#rest = this.#rest.subarray(PREFACE.length)
    }
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3)
      if (length > FRAME_SIZE) throw new ConnectionError(CODE.frameSize, `a frame of ${length} bytes was sent`)
      if (this.#rest.length < 9 + length) return
      const read = this.#rest
      this.#rest = read.subarray(9 + length)
      yield {
        type: read.readUInt8(3),
        flags: read.readUInt8(4),
        stream: read.readUInt32BE(5) & 0x7f_ff_ff_ff,
        payload: read.subarray(9, 9 + length),
      }
    }
  }
}

const EMPTY = Buffer.alloc(0)
