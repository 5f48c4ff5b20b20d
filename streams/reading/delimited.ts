/** Text in parts that a byte ends: lines, and what is written one to a line. */
import { Carry } from './carry.ts'

/** What ends a part, and what becomes of one that cannot be handed on. */
export interface DelimitedOptions {
  /** The byte, one of ASCII. No multi-byte character of the charset may contain it; none of UTF-8 does. */
  readonly delimiter: number
  /** The most bytes of a part, without what ends it. `false`: any number. */
  readonly limit: number | false
  /** Must not keep state between two calls, and throw for bytes it cannot decode if they matter. */
  readonly decode: (bytes: Uint8Array) => string
  /** Makes the error of the part after those that were handed on, which is too large or cannot be decoded. */
  readonly fail: (why: 'large' | 'undecodable', cause?: unknown) => unknown
}

/** Takes a part; false once nobody wants more. */
type Take = (part: string) => boolean

const CR = 0x0d
const LF = 0x0a

/**
 * Cuts bytes into parts. All parts that end in a chunk are decoded in one go, which is many times faster than one by one; a part
 * that does not end there waits as bytes, so that no character is ever cut.
 */
export class Delimited {
  readonly #delimiter: number
  readonly #character: string
  readonly #limit: number
  readonly #decode: (bytes: Uint8Array) => string
  readonly #fail: DelimitedOptions['fail']
  readonly #carry = new Carry()

  constructor({ delimiter, limit, decode, fail }: DelimitedOptions) {
    this.#delimiter = delimiter
    this.#character = String.fromCharCode(delimiter)
    this.#limit = limit === false ? Infinity : limit
    this.#decode = decode
    this.#fail = fail
  }

  /** Hands on the parts that end in these bytes. Throws what `fail` makes. */
  push(bytes: Uint8Array, take: Take): void {
    let from = 0
    if (this.#carry.length > 0) {
      const end = bytes.indexOf(this.#delimiter)
      if (end < 0) {
        this.#keep(bytes)
        return
      }
      this.#keep(bytes.subarray(0, end))
      if (!this.#one(this.#carry.take(), take)) return
      from = end + 1
    }
    const last = bytes.lastIndexOf(this.#delimiter)
    if (last >= from) {
      if (!this.#many(bytes.subarray(from, last), take)) return
      from = last + 1
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from))
  }

  /** Hands on what was not ended. */
  end(take: Take): void {
    if (this.#carry.length > 0) this.#one(this.#carry.take(), take)
  }

  #many(bytes: Uint8Array, take: Take): boolean {
    // What is too large or cannot be decoded must not cost those before it.
    if (bytes.length > this.#limit && this.#hasLarge(bytes)) return this.#each(bytes, take)
    let text: string
    try {
      text = this.#decode(bytes)
    } catch {
      return this.#each(bytes, take)
    }
    let from = 0
    for (let end = text.indexOf(this.#character); end >= 0; end = text.indexOf(this.#character, from)) {
      if (!take(text.slice(from, end))) return false
      from = end + 1
    }
    return take(from === 0 ? text : text.slice(from))
  }

  #hasLarge(bytes: Uint8Array): boolean {
    let from = 0
    for (let end = bytes.indexOf(this.#delimiter); end >= 0; end = bytes.indexOf(this.#delimiter, from)) {
      if (end - from > this.#limit) return true
      from = end + 1
    }
    return bytes.length - from > this.#limit
  }

  #each(bytes: Uint8Array, take: Take): boolean {
    let from = 0
    for (let end = bytes.indexOf(this.#delimiter); end >= 0; end = bytes.indexOf(this.#delimiter, from)) {
      if (!this.#one(bytes.subarray(from, end), take)) return false
      from = end + 1
    }
    return this.#one(bytes.subarray(from), take)
  }

  #one(bytes: Uint8Array, take: Take): boolean {
    if (bytes.length > this.#limit && !(this.#mayEndInCr(bytes.length) && bytes.at(-1) === CR))
      throw this.#fail('large')
    let text: string
    try {
      text = this.#decode(bytes)
    } catch (cause) {
      throw this.#fail('undecodable', cause)
    }
    return take(text)
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#carry.length + bytes.length
    const last = bytes.at(-1) ?? this.#carry.last
    if (length > this.#limit && !(this.#mayEndInCr(length) && last === CR)) throw this.#fail('large')
    this.#carry.add(bytes)
  }

  /** The CR of a CRLF belongs to the end of the line. */
  #mayEndInCr(length: number): boolean {
    return this.#delimiter === LF && length === this.#limit + 1
  }
}
