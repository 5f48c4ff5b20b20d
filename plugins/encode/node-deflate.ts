/** Compressors of Node's zlib: as a stream for what is long, at once for what is short. */
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Coding, Deflater, Levels, Outlet } from './deflater.ts'

export type { Coding, Deflater, Levels, Outlet } from './deflater.ts'

/** What this platform compresses with. */
export const CODINGS: readonly Coding[] = ['gzip', 'deflate', 'br', 'zstd']

/** How much effort may be asked for. */
export const LEVELS: Levels | undefined = { gzip: [1, 9], deflate: [1, 9], br: [0, 11], zstd: [1, 22] }

/** Brotli's own default, 11, is for files that are compressed once: it takes a hundred times as long. */
const BROTLI = 4
/** From this level on zstd wants windows beyond the 8 MiB that a peer has to have (RFC 9659 §3). */
const ZSTD_ULTRA = 20
const ZSTD_WINDOW = 23
/** Below these levels a short body is compressed in less time than a stream takes to be set up twice. */
const QUICK: Readonly<Record<Coding, number>> = { gzip: 9, deflate: 9, br: 6, zstd: 12 }
const SHORT = 32 * 1024
const CHUNK = 64 * 1024

/** Opens a compressor. */
export function deflate(coding: Coding, level: number | undefined, outlet: Outlet): Deflater {
  return new ZlibDeflater(create(coding, optionsOf(coding, level)), outlet)
}

/** Compresses a short body on the spot, which costs less than a stream; `undefined` for what it leaves to one. */
export function deflateNow(coding: Coding, bytes: Uint8Array, level: number | undefined): Uint8Array | undefined {
  if (bytes.length > SHORT || (level ?? 0) > QUICK[coding]) return undefined
  return new Uint8Array(compress(coding, bytes, optionsOf(coding, level)))
}

interface Options {
  readonly chunkSize: number
  readonly level?: number
  readonly params?: Record<number, number>
}

function optionsOf(coding: Coding, level: number | undefined): Options {
  const { BROTLI_PARAM_QUALITY, ZSTD_c_compressionLevel, ZSTD_c_windowLog } = zlib.constants
  switch (coding) {
    case 'gzip':
    case 'deflate':
      return { chunkSize: CHUNK, ...(level === undefined ? {} : { level }) }
    case 'br':
      return { chunkSize: CHUNK, params: { [BROTLI_PARAM_QUALITY]: level ?? BROTLI } }
    case 'zstd': {
      if (level === undefined) return { chunkSize: CHUNK }
      const window = level < ZSTD_ULTRA ? {} : { [ZSTD_c_windowLog]: ZSTD_WINDOW }
      return { chunkSize: CHUNK, params: { [ZSTD_c_compressionLevel]: level, ...window } }
    }
  }
}

function compress(coding: Coding, bytes: Uint8Array, options: Options): Buffer {
  switch (coding) {
    case 'gzip':
      return zlib.gzipSync(bytes, options)
    case 'deflate':
      return zlib.deflateSync(bytes, options)
    case 'br':
      return zlib.brotliCompressSync(bytes, options)
    case 'zstd':
      return zlib.zstdCompressSync(bytes, options)
  }
}

type Stream = Transform & { flush(kind?: number): void }

function create(coding: Coding, options: Options): Stream {
  switch (coding) {
    case 'gzip':
      return zlib.createGzip(options)
    case 'deflate':
      return zlib.createDeflate(options)
    case 'br':
      return zlib.createBrotliCompress(options)
    case 'zstd':
      return zlib.createZstdCompress(options)
  }
}

class ZlibDeflater implements Deflater {
  readonly #stream: Stream
  readonly #outlet: Outlet

  constructor(stream: Stream, outlet: Outlet) {
    this.#stream = stream
    this.#outlet = outlet
    // Copied, because zlib hands out slices of a block that is larger and was never cleared.
    stream.on('data', (bytes: Buffer) => outlet.data(new Uint8Array(bytes)))
    stream.on('end', () => outlet.end())
    stream.on('error', (cause: unknown) => outlet.error(cause))
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes, error => {
      if (!error) this.#outlet.taken()
    })
  }

  flush(): void {
    // Without forgetting what came before, as a full flush would.
    if (this.#stream instanceof zlib.Gzip || this.#stream instanceof zlib.Deflate)
      this.#stream.flush(zlib.constants.Z_SYNC_FLUSH)
    else this.#stream.flush()
  }

  end(): void {
    this.#stream.end()
  }

  destroy(): void {
    this.#stream.removeAllListeners()
    // A stream that is destroyed while it works may still tell of it.
    this.#stream.on('error', ignore)
    this.#stream.destroy()
  }
}

function ignore(): void {
  // Nobody waits for it any more.
}
