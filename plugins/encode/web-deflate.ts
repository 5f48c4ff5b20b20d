/**
 * Compressors of the web platform: `CompressionStream`, where the platform has it. It chooses the level by itself and holds bytes
 * back until it has enough of them.
 */
import type { Coding, Deflater, Levels, Outlet } from './deflater.ts'

export type { Coding, Deflater, Levels, Outlet } from './deflater.ts'

const FORMATS: readonly (readonly [Coding, string])[] = [
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'brotli'],
  ['zstd', 'zstd'],
]

/** What this platform compresses with. */
export const CODINGS: readonly Coding[] = FORMATS.filter(([, format]) => open(format) !== undefined).map(
  ([coding]) => coding,
)

/** How much effort may be asked for: the platform does not ask. */
export const LEVELS: Levels | undefined = undefined

/** Opens a compressor. */
export function deflate(coding: Coding, _level: number | undefined, outlet: Outlet): Deflater {
  const stream = open(FORMATS.find(([name]) => name === coding)?.[1] ?? coding)
  if (stream === undefined) throw new TypeError(`this platform cannot compress with ${coding}`)
  return new StreamDeflater(stream, outlet)
}

/** Leaves every body to a stream: the web platform compresses nothing on the spot. */
export function deflateNow(_coding: Coding, _bytes: Uint8Array, _level: number | undefined): Uint8Array | undefined {
  return undefined
}

function open(format: string): CompressionStream | undefined {
  try {
    return new CompressionStream(format as CompressionFormat)
  } catch {
    return undefined
  }
}

class StreamDeflater implements Deflater {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #outlet: Outlet
  #destroyed = false

  constructor({ writable, readable }: CompressionStream, outlet: Outlet) {
    this.#writer = writable.getWriter()
    this.#reader = readable.getReader()
    this.#outlet = outlet
    this.#writer.closed.catch(ignore)
    void this.#pump()
  }

  write(bytes: Uint8Array): void {
    this.#writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => {
      if (!this.#destroyed) this.#outlet.taken()
    }, ignore)
  }

  flush(): void {
    // The platform has no word for it.
  }

  end(): void {
    this.#writer.close().catch(ignore)
  }

  destroy(): void {
    this.#destroyed = true
    this.#writer.abort().catch(ignore)
    this.#reader.cancel().catch(ignore)
  }

  async #pump(): Promise<void> {
    try {
      for (let step = await this.#reader.read(); !step.done; step = await this.#reader.read()) {
        if (this.#destroyed) return
        this.#outlet.data(step.value)
      }
      if (!this.#destroyed) this.#outlet.end()
    } catch (cause) {
      if (!this.#destroyed) this.#outlet.error(cause)
    }
  }
}

function ignore(): void {
  // A stream that failed tells its reader.
}
