/** Text out of bytes, cut only behind the end of a line, so that no character is ever cut. */
import { Carry } from '../reading/carry.ts'

const LF = 10
const CR = 13
/** Bytes that become one text: a whole body that comes in one piece must not become one string. */
const PIECE = 64 * 1024
/** Bytes that are copied faster than looked through. */
const SHORT = 2 * 1024

/** Decodes UTF-8, without its byte order mark. What is no UTF-8 becomes U+FFFD, as the standard wants. */
export class WholeLines {
  readonly #take: (text: string) => void
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** The beginning of a line whose end has not come. */
  readonly #begun = new Carry()
  #first = true

  /** `take` is given one line or more, each with its end: LF, CR or CRLF, of which the LF may follow in the next text. */
  constructor(take: (text: string) => void) {
    this.#take = take
  }

  /** Bytes of the line whose end has not come. */
  get waiting(): number {
    return this.#begun.length
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE)
      this.#piece(bytes.length > PIECE ? bytes.subarray(at, at + PIECE) : bytes)
  }

  /** Drops the line whose end has not come. */
  forget(): void {
    this.#begun.take()
  }

  #piece(bytes: Uint8Array): void {
    const end = behindLastLine(bytes)
    if (end === 0) {
      this.#begun.add(bytes)
      return
    }
    let start = 0
    if (this.#begun.length > 0) {
      // Only the line itself is copied, unless everything is short.
      start = end <= SHORT ? end : behindFirstLine(bytes)
      this.#begun.add(bytes.subarray(0, start))
      this.#give(this.#begun.take())
    }
    if (start < end) this.#give(bytes.subarray(start, end))
    if (end < bytes.length) this.#begun.add(bytes.subarray(end))
  }

  #give(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes)
    const marked = this.#first && text.charCodeAt(0) === 0xfeff
    this.#first = false
    this.#take(marked ? text.slice(1) : text)
  }
}

function behindLastLine(bytes: Uint8Array): number {
  const lf = bytes.lastIndexOf(LF) + 1
  // A CR counts only behind it, which in most streams is a part of one line.
  return lf + bytes.subarray(lf).lastIndexOf(CR) + 1
}

function behindFirstLine(bytes: Uint8Array): number {
  const lf = bytes.indexOf(LF)
  const before = lf < 0 ? bytes : bytes.subarray(0, lf)
  const cr = before.indexOf(CR)
  return (cr < 0 ? lf : cr) + 1
}
