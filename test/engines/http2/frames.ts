/** A server of raw HTTP/2 frames, for what no real one would do. It speaks only when it is told to. */
import net from 'node:net'

/** Frame types (RFC 9113 §6). */
export const DATA = 0
export const HEADERS = 1
const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

/** Flags. On SETTINGS and PING, 1 is ACK. */
export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** One frame as it came. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Writes a frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** 32 bits each. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, at) => bytes.writeUInt32BE(value, at * 4))
  return bytes
}

/** A header block without compression (RFC 7541 §6.2.2), names of the static table included. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const literal = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'latin1')
    return Buffer.concat([length(bytes.length), bytes])
  }
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])))
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  for (let left = value - 127; ; left >>= 7) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left & 127) | 128)
  }
}

/** The head of an answer. */
export const head = (
  stream: number,
  status: string = '200',
  fields: readonly (readonly [string, string])[] = [],
  flags: number = END_HEADERS,
): Buffer => frame(HEADERS, flags, stream, block([[':status', status], ...fields]))

/** Bytes of a body. */
export const data = (stream: number, text: string | Uint8Array, flags: number = 0): Buffer =>
  frame(DATA, flags, stream, Buffer.from(text as string))

/** Ends a stream with a code. */
export const reset = (stream: number, code: number): Buffer => frame(RST_STREAM, 0, stream, words(code))

/** Ends a session: streams above `last` were not looked at. */
export const goaway = (last: number, code: number = 0): Buffer => frame(GOAWAY, 0, 0, words(last, code))

/** One connection of the server. */
export class Wire {
  readonly socket: net.Socket
  readonly frames: Frame[] = []
  /** Everything that came before frames could be told. */
  closed = false
  #bytes: Buffer = Buffer.alloc(0)
  #preface = false
  readonly #seen: (frame: Frame, wire: Wire) => void

  constructor(socket: net.Socket, seen: (frame: Frame, wire: Wire) => void) {
    this.socket = socket
    this.#seen = seen
    socket.on('data', (bytes: Buffer) => {
      this.#read(bytes)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  /** Ids of the streams that were opened, in their order. */
  get streams(): number[] {
    return this.frames.filter(({ type }) => type === HEADERS).map(({ stream }) => stream)
  }

  /** Codes by which streams were reset, as `stream: code`. */
  get resets(): string[] {
    return this.frames
      .filter(({ type }) => type === RST_STREAM)
      .map(({ stream, payload }) => `${stream}: ${payload.readUInt32BE(0)}`)
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (!this.#preface) {
      if (this.#bytes.length < PREFACE.length) return
      this.#preface = true
      this.#bytes = this.#bytes.subarray(PREFACE.length)
    }
    while (this.#bytes.length >= 9) {
      const size = this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < 9 + size) return
      const one: Frame = {
        type: this.#bytes[3] ?? 0,
        flags: this.#bytes[4] ?? 0,
        stream: this.#bytes.readUInt32BE(5) & 0x7fffffff,
        payload: this.#bytes.subarray(9, 9 + size),
      }
      this.#bytes = this.#bytes.subarray(9 + size)
      this.frames.push(one)
      this.#seen(one, this)
    }
  }
}

/** A server of frames. */
export interface FrameServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/` */
  readonly url: string
  readonly port: number
  readonly wires: readonly Wire[]
  /** Resolves when `done` says so, asked after every frame and every end of a connection. */
  until(done: (wires: readonly Wire[]) => boolean): Promise<void>
}

/** How the server begins and answers. */
export interface FrameOptions {
  /** What it says when a connection is there; SETTINGS without content unless given. */
  readonly greeting?: Uint8Array
  /** Called with every frame; SETTINGS and PING are acknowledged before, unless `silent`. */
  readonly seen?: (frame: Frame, wire: Wire) => void
  readonly silent?: boolean
}

/** Starts a server that greets, acknowledges, and leaves the rest to `seen`. */
export async function frameServer({ greeting, seen, silent = false }: FrameOptions = {}): Promise<FrameServer> {
  const wires: Wire[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const wire = new Wire(socket, (one, where) => {
      if (!silent && one.type === SETTINGS && (one.flags & ACK) === 0) where.send(frame(SETTINGS, ACK, 0))
      if (!silent && one.type === PING && (one.flags & ACK) === 0) where.send(frame(PING, ACK, 0, one.payload))
      seen?.(one, where)
      wake()
    })
    wires.push(wire)
    socket.on('end', () => socket.end())
    socket.on('close', wake)
    wire.send(greeting ?? frame(SETTINGS, 0, 0))
    wake()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    wires,
    until: done =>
      new Promise(resolve => {
        const look = (): void => {
          if (!done(wires)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      for (const { socket } of wires) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
