/** Takes the frames off a page that comes in chunks (RFC 9112 §7.1). It is for people: what makes no sense ends it. */

/** A line with the size of a chunk may have this many bytes. */
const MOST_LINE = 4096

/** Gathers what is in the chunks. */
export class Dechunking {
  #bytes: Buffer = Buffer.alloc(0)
  /** Bytes of the chunk that are still to come, with the line end behind them. */
  #left = 0
  #over = false

  /** True when there is no more. */
  get over(): boolean {
    return this.#over
  }

  /** Takes what came; answers with what of the page was in it. */
  take(bytes: Uint8Array): Buffer {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const pieces: Buffer[] = []
    while (!this.#over && this.#bytes.length > 0) {
      if (this.#left > 0) pieces.push(this.#content())
      else if (!this.#size()) break
    }
    return Buffer.concat(pieces)
  }

  #content(): Buffer {
    const piece = this.#bytes.subarray(0, this.#left)
    this.#bytes = this.#bytes.subarray(piece.length)
    const content = piece.subarray(0, Math.max(0, Math.min(piece.length, this.#left - 2)))
    this.#left -= piece.length
    return content
  }

  /** Reads the size of the next chunk; false when that is not there yet. */
  #size(): boolean {
    const end = this.#bytes.indexOf('\r\n')
    if (end < 0) {
      this.#over = this.#bytes.length > MOST_LINE
      return false
    }
    const size = /^[\da-f]{1,8}(?=[\t ;]|$)/i.exec(this.#bytes.toString('latin1', 0, end))?.[0]
    const length = size === undefined ? 0 : Number.parseInt(size, 16)
    if (length === 0) this.#over = true
    else this.#left = length + 2
    this.#bytes = this.#bytes.subarray(end + 2)
    return true
  }
}
