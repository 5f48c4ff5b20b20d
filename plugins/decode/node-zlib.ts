/** Decompressors of Node's zlib: as a stream for what is long, at once for what is short. */
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Coding, Fault, Inflater, Outlet } from './inflater.ts'
import { ZstdFrames } from './zstd-frames.ts'

export type { Coding, Fault, Inflater, Outlet } from './inflater.ts'

/** What this platform decodes, the best first. */
export const CODINGS: readonly Coding[] = ['zstd', 'br', 'gzip', 'deflate']

const CHUNK = 64 * 1024
/** RFC 9659 §3: a window of more than 8 MiB must not be needed to decode zstd. */
const ZSTD = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } } as const

interface Sizes {
  readonly chunkSize: number
  readonly maxOutputLength: number
  readonly info: true
}

interface Info {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Opens a decompressor for a body that begins with the byte `first`. */
export function inflate(coding: Coding, first: number, outlet: Outlet): Inflater {
  return new ZlibInflater(create(coding, first), outlet, coding === 'zstd' ? new ZstdFrames() : undefined)
}

/**
 * Decodes a short body on the spot, which costs a third of a stream. Answers `undefined` for what it leaves to a stream:
 * more than `most` bytes, and everything that is not exactly one well-formed body.
 */
export function inflateNow(coding: Coding, bytes: Uint8Array, most: number): Uint8Array | undefined {
  if (coding === 'zstd' && !isOneFrame(bytes)) return undefined
  const chunkSize = Math.min(Math.max(bytes.length * 4, 1024), CHUNK)
  const options: Sizes = { chunkSize, maxOutputLength: most, info: true }
  try {
    const { buffer, engine } = decodeSync(coding, bytes, options) as unknown as Info
    return engine.bytesWritten === bytes.length ? new Uint8Array(buffer) : undefined
  } catch {
    return undefined
  }
}

function isOneFrame(bytes: Uint8Array): boolean {
  const frames = new ZstdFrames()
  return frames.split(bytes).length === 1 && frames.complete
}

function decodeSync(coding: Coding, bytes: Uint8Array, options: Sizes): Buffer {
  switch (coding) {
    case 'gzip':
      return zlib.gunzipSync(bytes, options)
    case 'deflate':
      return isZlib(bytes[0] ?? 0) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options)
    case 'br':
      return zlib.brotliDecompressSync(bytes, options)
    case 'zstd':
      return zlib.zstdDecompressSync(bytes, { ...options, ...ZSTD })
  }
}

type Stream = Transform & { readonly bytesWritten: number }

function create(coding: Coding, first: number): Stream {
  const options = { chunkSize: CHUNK, readableHighWaterMark: CHUNK, writableHighWaterMark: 2 * CHUNK }
  switch (coding) {
    case 'gzip':
      return zlib.createGunzip(options)
    case 'deflate':
      return isZlib(first) ? zlib.createInflate(options) : zlib.createInflateRaw(options)
    case 'br':
      return zlib.createBrotliDecompress(options)
    case 'zstd':
      return zlib.createZstdDecompress({ ...options, ...ZSTD })
  }
}

/** The coding `deflate` means zlib (RFC 1950), but some servers send it bare (RFC 1951), which never begins like that. */
function isZlib(first: number): boolean {
  return (first & 0x0f) === 8
}

class ZlibInflater implements Inflater {
  readonly #stream: Stream
  readonly #outlet: Outlet
  readonly #frames: ZstdFrames | undefined
  #written = 0
  #ended = false

  constructor(stream: Stream, outlet: Outlet, frames: ZstdFrames | undefined) {
    this.#stream = stream
    this.#outlet = outlet
    this.#frames = frames
    // Copied, because zlib hands out slices of a block that is larger and was never cleared.
    stream.on('data', (bytes: Buffer) => outlet.data(new Uint8Array(bytes)))
    stream.on('drain', () => outlet.drain())
    stream.on('error', (error: NodeJS.ErrnoException) => {
      outlet.error(frames?.trailing ? 'trailing' : faultOf(error), error)
    })
    stream.on('end', () => this.#finish())
  }

  get consumed(): number {
    return this.#stream.bytesWritten
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended) {
      this.#outlet.error('trailing', undefined)
      return false
    }
    this.#written += bytes.length
    if (this.#frames === undefined) return this.#stream.write(bytes)
    let ready = true
    for (const part of this.#frames.split(bytes)) ready = this.#stream.write(part)
    return ready
  }

  end(): void {
    if (!this.#ended) this.#stream.end()
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  destroy(): void {
    this.#stream.removeAllListeners()
    // A stream that is destroyed while it works may still tell of it.
    this.#stream.on('error', ignore)
    this.#stream.destroy()
  }

  /** zlib stops at the end of what it knows and says nothing of bytes behind it. */
  #finish(): void {
    this.#ended = true
    if (this.#frames?.trailing || this.#stream.bytesWritten !== this.#written) this.#outlet.error('trailing', undefined)
    else if (this.#frames?.complete === false) this.#outlet.error('truncated', undefined)
    else this.#outlet.end()
  }
}

function faultOf({ code }: NodeJS.ErrnoException): Fault {
  if (code === 'Z_BUF_ERROR') return 'truncated'
  return code === 'ZSTD_error_frameParameter_windowTooLarge' ? 'window' : 'corrupt'
}

function ignore(): void {
  // Nobody waits for it any more.
}
