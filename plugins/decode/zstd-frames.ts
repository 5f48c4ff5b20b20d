/** Finds where the frames of zstd data end (RFC 8878 §3.1), which zlib of Node 22 does not tell. */

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
/** Bytes of a dictionary id and of a content size, by their flags. */
const DICTIONARY = [0, 1, 2, 4] as const
const CONTENT_SIZE = [0, 2, 4, 8] as const
const [RAW_LAST, RLE, RESERVED] = [1, 1, 3] as const

/** Walks over the headers of frames and blocks; it decodes nothing. */
export class ZstdFrames {
  /** Bytes of the header being read, lowest first, and how many it has. */
  #header = 0
  #taken = 0
  #wanted = 4
  /** Reads the header that is complete now. */
  #read: (header: number) => void = this.#magic
  /** Bytes of content before the next header. */
  #skip = 0
  #checksum = 0
  #frames = 0
  #broken = false

  /** True before the first and after each complete frame. */
  get complete(): boolean {
    return !this.#broken && this.#skip === 0 && this.#taken === 0 && this.#read === this.#magic
  }

  /** True when something that is no frame follows after a frame. */
  get trailing(): boolean {
    return this.#broken && this.#frames > 0
  }

  /** Cuts bytes where frames end. What is no zstd stays in one piece, for the decoder to refuse. */
  split(bytes: Uint8Array): readonly Uint8Array[] {
    const parts: Uint8Array[] = []
    let start = 0
    for (let at = 0; at < bytes.length && !this.#broken;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at)
        this.#skip -= skipped
        at += skipped
      } else this.#take(bytes[at++] ?? 0)
      if (this.complete) {
        parts.push(bytes.subarray(start, at))
        start = at
      }
    }
    if (start < bytes.length) parts.push(bytes.subarray(start))
    return parts
  }

  #take(byte: number): void {
    this.#header += byte * 256 ** this.#taken++
    if (this.#taken < this.#wanted) return
    const header = this.#header
    this.#header = 0
    this.#taken = 0
    this.#read(header)
  }

  #expect(bytes: number, read: (header: number) => void): void {
    this.#wanted = bytes
    this.#read = read
  }

  #magic(header: number): void {
    if (header === MAGIC) this.#expect(1, this.#descriptor)
    else if (header - (header % 16) === SKIPPABLE) this.#expect(4, this.#skippable)
    else this.#broken = true
  }

  #skippable(size: number): void {
    this.#skip = size
    this.#endFrame()
  }

  #descriptor(byte: number): void {
    const single = (byte & 0x20) !== 0
    const size = byte >> 6
    this.#checksum = (byte & 4) === 0 ? 0 : 4
    this.#skip = (single ? 0 : 1) + (DICTIONARY[byte & 3] ?? 0) + (size === 0 && single ? 1 : (CONTENT_SIZE[size] ?? 0))
    this.#expect(3, this.#block)
  }

  #block(header: number): void {
    const type = (header >> 1) & 3
    if (type === RESERVED) this.#broken = true
    this.#skip = type === RLE ? 1 : header >> 3
    if ((header & 1) !== RAW_LAST) return
    this.#skip += this.#checksum
    this.#endFrame()
  }

  #endFrame(): void {
    this.#frames++
    this.#expect(4, this.#magic)
  }
}
