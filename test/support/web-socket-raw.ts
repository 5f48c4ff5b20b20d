/** A server that opens WebSockets and then does whatever a test says, byte by byte: over HTTP/1.1, or a stream of HTTP/2. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttp2 } from 'node:http2'
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A frame that the client has sent, without its mask. */
export interface Frame {
  readonly fin: boolean
  readonly rsv1: boolean
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Buffer
}

/** Opcodes (RFC 6455 §5.2). */
export const CONTINUATION = 0x0
export const TEXT = 0x1
export const BINARY = 0x2
export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** How a frame of a server is to be: as it should be, unless said otherwise. */
export interface Framing {
  readonly fin?: boolean
  /** The three reserved bits, RSV1 as 4. */
  readonly rsv?: number
  readonly mask?: boolean
  /** Announced in place of the true length. */
  readonly length?: bigint
}

/** Makes the bytes of a frame. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, rsv = 0, mask, length }: Framing = {},
): Buffer {
  const body = Buffer.from(payload as string)
  const announced = length ?? BigInt(body.length)
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode]
  const masked = mask === true ? 0x80 : 0
  if (announced < 126n) head.push(masked | Number(announced))
  else if (announced < 65_536n) head.push(masked | 126, Number(announced) >> 8, Number(announced) & 0xff)
  else {
    const long = Buffer.alloc(8)
    long.writeBigUInt64BE(announced)
    head.push(masked | 127, ...long)
  }
  // A mask of zeros changes nothing, and is one.
  return Buffer.concat([Buffer.from(head), ...(mask === true ? [Buffer.alloc(4)] : []), body])
}

/** Makes a goodbye. */
export function goodbye(code: number, reason: string | Uint8Array = ''): Buffer {
  const number = Buffer.alloc(2)
  number.writeUInt16BE(code)
  return frame(CLOSE, Buffer.concat([number, Buffer.from(reason as string)]))
}

/** The server's end of a connection that was opened. */
export class RawPeer {
  readonly wire: Duplex
  readonly frames: Frame[] = []
  /** When the client had ended its side, or broken off. */
  endedAt: number | undefined
  bytesIn = 0
  #bytes: Buffer = Buffer.alloc(0)
  readonly #wake = new Set<() => void>()

  constructor(wire: Duplex) {
    this.wire = wire
    wire.on('error', () => undefined)
    wire.on('data', (bytes: Buffer) => {
      this.bytesIn += bytes.length
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#read()
    })
    const ended = (): void => {
      this.endedAt ??= performance.now()
      this.#changed()
    }
    wire.once('end', ended)
    wire.once('close', ended)
  }

  /** The code the client said goodbye with; 1005 when it gave none. */
  get closedWith(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === CLOSE)
    if (close === undefined) return undefined
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0)
  }

  send(...bytes: readonly Uint8Array[]): this {
    this.wire.write(Buffer.concat(bytes))
    return this
  }

  /** One byte in a packet, as far as that can be said. */
  async drip(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.wire.write(Buffer.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  end(): void {
    this.wire.end()
  }

  /** RST, or RST_STREAM. */
  reset(): void {
    const wire = this.wire as Partial<Socket> & { close?: (code: number) => void }
    if (wire.resetAndDestroy !== undefined) {
      wire.resetAndDestroy()
      return
    }
    // Node would end the stream in good order before it resets it.
    Object.assign(wire, { end: () => wire })
    wire.close?.(2)
  }

  async until(what: string, condition: (peer: this) => boolean, ms = 5000): Promise<void> {
    const end = performance.now() + ms
    while (!condition(this)) {
      if (performance.now() >= end) throw new Error(`the server waited ${ms} ms in vain: ${what}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 20)
        this.#wake.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async frame(count: number): Promise<Frame> {
    await this.until(`${count} frames`, ({ frames }) => frames.length >= count)
    return this.frames[count - 1] as Frame
  }

  #read(): void {
    for (;;) {
      const bytes = this.#bytes
      if (bytes.length < 2) return
      const [first = 0, second = 0] = bytes
      let length = second & 0x7f
      let at = 2
      if (length === 126) {
        if (bytes.length < 4) return
        length = bytes.readUInt16BE(2)
        at = 4
      } else if (length === 127) {
        if (bytes.length < 10) return
        length = Number(bytes.readBigUInt64BE(2))
        at = 10
      }
      const masked = (second & 0x80) !== 0
      const mask = masked ? bytes.subarray(at, (at += 4)) : Buffer.alloc(4)
      if (bytes.length < at + length) return
      const payload = Buffer.from(bytes.subarray(at, at + length))
      for (let index = 0; index < length; index++) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0)
      this.frames.push({ fin: (first & 0x80) !== 0, rsv1: (first & 0x40) !== 0, opcode: first & 0x0f, masked, payload })
      this.#bytes = bytes.subarray(at + length)
      this.#changed()
    }
  }

  #changed(): void {
    for (const wake of [...this.#wake]) wake()
    this.#wake.clear()
  }
}

/** What the server answers. */
export interface Answer {
  /** Fields of the answer, beside or in place of those that agree; `undefined` leaves one out. */
  readonly fields?: Readonly<Record<string, string | undefined>>
  /** Sent in one packet with the head. */
  readonly behind?: Uint8Array
  /** In place of the head of HTTP/1.1. */
  readonly raw?: string
}

/** A server that is running. */
export interface RawServer extends AsyncDisposable {
  readonly url: string
  /** The fields of each handshake, in lower case. */
  readonly handshakes: readonly Readonly<Record<string, string>>[]
  /** How many connections it has now. */
  readonly open: number
  /** Resolves with the next WebSocket that is opened. */
  next(): Promise<RawPeer>
}

/** Starts it. HTTP/2 is spoken in the clear; `connects` says that WebSockets are opened there (RFC 8441). */
export async function rawServer(
  protocol: 'http/1.1' | 'h2c',
  answer: Answer = {},
  connects = true,
): Promise<RawServer> {
  const handshakes: Record<string, string>[] = []
  const sockets = new Set<Socket>()
  const opened: RawPeer[] = []
  const waiting: ((peer: RawPeer) => void)[] = []
  const open = (wire: Duplex): void => {
    const peer = new RawPeer(wire)
    const next = waiting.shift()
    if (next === undefined) opened.push(peer)
    else next(peer)
  }
  const server =
    protocol === 'http/1.1' ? overTcp(handshakes, answer, open) : overHttp2(handshakes, answer, open, connects)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    handshakes,
    get open() {
      return sockets.size
    },
    next: () =>
      new Promise(resolve => {
        const peer = opened.shift()
        if (peer === undefined) waiting.push(resolve)
        else resolve(peer)
      }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function overTcp(
  handshakes: Record<string, string>[],
  answer: Answer,
  open: (wire: Duplex) => void,
): ReturnType<typeof createTcp> {
  return createTcp({ allowHalfOpen: true }, socket => {
    let head = ''
    const read = (bytes: Buffer): void => {
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', read)
      const fields = Object.fromEntries(
        head
          .slice(0, end)
          .split('\r\n')
          .slice(1)
          .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      )
      handshakes.push(fields)
      const proof = createHash('sha1')
        .update(`${fields['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64')
      const given: Record<string, string | undefined> = {
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Accept': proof,
        ...answer.fields,
      }
      const lines = Object.entries(given).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}: ${value}\r\n`],
      )
      const start = answer.raw ?? `HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`
      socket.write(Buffer.concat([Buffer.from(start), answer.behind ?? Buffer.alloc(0)]))
      open(socket)
    }
    socket.on('data', read)
  })
}

function overHttp2(
  handshakes: Record<string, string>[],
  answer: Answer,
  open: (wire: Duplex) => void,
  connects: boolean,
): ReturnType<typeof createHttp2> {
  const server = createHttp2({ settings: { enableConnectProtocol: connects } })
  server.on('stream', (stream, headers) => {
    handshakes.push(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])))
    const fields = Object.entries(answer.fields ?? {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), value] as const],
    )
    stream.respond({ ':status': 200, ...Object.fromEntries(fields) })
    if (answer.behind !== undefined) stream.write(answer.behind)
    open(stream)
  })
  return server
}
