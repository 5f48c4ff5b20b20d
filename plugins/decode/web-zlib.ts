/**
 * Decompressors of the web platform: `DecompressionStream`, where the platform has it. What it does not tell cannot be
 * known here: some platforms ignore bytes that follow after the end of a body.
 */
import type { Coding, Fault, Inflater, Outlet } from './inflater.ts'

export type { Coding, Fault, Inflater, Outlet } from './inflater.ts'

const FORMATS: readonly (readonly [Coding, string])[] = [
  ['zstd', 'zstd'],
  ['br', 'brotli'],
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
]

/** What this platform decodes, the best first. */
export const CODINGS: readonly Coding[] = FORMATS.filter(([, format]) => open(format) !== undefined).map(
  ([coding]) => coding,
)

/** What is written at once. A platform may decode all of it before it looks whether anybody reads. */
const SLICE = 4 * 1024
/** How many bytes may wait to be written. */
const HIGH_WATER = 64 * 1024

/** Opens a decompressor for a body that begins with the byte `first`. */
export function inflate(coding: Coding, first: number, outlet: Outlet): Inflater {
  // RFC 1950 or, as some servers send it, RFC 1951.
  const format = coding === 'deflate' && (first & 0x0f) !== 8 ? 'deflate-raw' : coding
  const stream = open(FORMATS.find(([name]) => name === format)?.[1] ?? format)
  if (stream === undefined) throw new TypeError(`this platform cannot decode ${format}`)
  return new StreamInflater(stream, outlet)
}

/** Leaves every body to a stream: the web platform decodes nothing on the spot. */
export function inflateNow(_coding: Coding, _bytes: Uint8Array, _most: number): Uint8Array | undefined {
  return undefined
}

function open(format: string): DecompressionStream | undefined {
  try {
    return new DecompressionStream(format as CompressionFormat)
  } catch {
    return undefined
  }
}

class StreamInflater implements Inflater {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #outlet: Outlet
  #waiting = 0
  #written = 0
  #full = false
  #ending = false
  #destroyed = false
  #resumed: PromiseWithResolvers<void> | undefined

  constructor({ writable, readable }: DecompressionStream, outlet: Outlet) {
    this.#writer = writable.getWriter()
    this.#reader = readable.getReader()
    this.#outlet = outlet
    this.#writer.closed.catch(ignore)
    void this.#pump()
  }

  get consumed(): number {
    return this.#written
  }

  write(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += SLICE) {
      const slice = new Uint8Array(bytes.subarray(at, at + SLICE))
      this.#waiting += slice.length
      this.#writer.write(slice).then(() => {
        this.#taken(slice.length)
      }, ignore)
    }
    this.#full ||= this.#waiting >= HIGH_WATER
    return !this.#full
  }

  end(): void {
    this.#ending = true
    this.#writer.close().catch(ignore)
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  destroy(): void {
    this.#destroyed = true
    this.resume()
    this.#writer.abort().catch(ignore)
    this.#reader.cancel().catch(ignore)
  }

  #taken(bytes: number): void {
    this.#waiting -= bytes
    this.#written += bytes
    if (!this.#full || this.#waiting > 0 || this.#destroyed) return
    this.#full = false
    this.#outlet.drain()
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read()
        while (this.#resumed !== undefined) await this.#resumed.promise
        if (this.#destroyed) return
        if (done) break
        this.#outlet.data(value)
      }
      this.#outlet.end()
    } catch (cause) {
      if (!this.#destroyed) this.#outlet.error(this.#fault(), cause)
    }
  }

  /** The platform has one error for everything; one at the end of the input is most likely about its end. */
  #fault(): Fault {
    return this.#ending && this.#waiting === 0 ? 'truncated' : 'corrupt'
  }
}

function ignore(): void {
  // A stream that failed tells its reader.
}
