/** JSON texts between record separators (RFC 7464). */
import type { HttpError } from '../../src/index.ts'
import { Carry } from '../reading/carry.ts'
import { fault, type Origin } from '../reading/fault.ts'
import type { Emit, Parser } from '../reading/parser.ts'
import { endOfText, isBlank } from './end-of-text.ts'

/** An item that was dropped. Its text is not told: it may hold secrets. */
export interface DroppedItem {
  /** Where it stands in the sequence, counted from 1. */
  readonly number: number
  /** `truncated`: its end is missing. `malformed`: it is no JSON, or more than one text. */
  readonly reason: 'truncated' | 'malformed'
}

const RS = 0x1e
const LF = 0x0a
/** Bytes that may be parsed in vain before the next separator is waited for, beside some times the size of the item. */
const VAIN = 64 * 1024

/**
 * An item ends where the next begins; but who sends one in a while wants it to be heard now. So what ends with a chunk in LF is tried,
 * as long as that does not take more time than reading it: the outcome is the same.
 */
export class SequenceParser implements Parser<unknown> {
  readonly #origin: Origin
  readonly #limit: number
  readonly #onDropped: ((dropped: DroppedItem) => void) | undefined
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  readonly #carry = new Carry()
  #number = 0
  #begun = false
  /** Bytes of this item. */
  #size = 0
  #vain = 0
  /** This item was emitted before its separator came; what may follow is white space. */
  #emitted = false
  #garbage = false

  constructor(origin: Origin, limit: number | false, onDropped: ((dropped: DroppedItem) => void) | undefined) {
    this.#origin = origin
    this.#limit = limit === false ? Infinity : limit
    this.#onDropped = onDropped
  }

  push(bytes: Uint8Array, emit: Emit<unknown>): void {
    let from = 0
    if (!this.#begun && bytes.length > 0) {
      if (bytes[0] !== RS)
        throw fault(
          'BODY',
          this.#origin,
          'The body of',
          'is no JSON text sequence (RFC 7464): it does not begin with RS',
        )
      this.#begun = true
      from = 1
    }
    for (let end = bytes.indexOf(RS, from); end >= 0; end = bytes.indexOf(RS, from)) {
      this.#keep(bytes.subarray(from, end), emit)
      if (!this.#finish(emit)) return
      from = end + 1
    }
    this.#keep(bytes.subarray(from), emit)
    if (bytes.at(-1) === LF) this.#tryEarly(emit)
  }

  end(emit: Emit<unknown>): void {
    this.#finish(emit)
  }

  #keep(bytes: Uint8Array, emit: Emit<unknown>): void {
    this.#size += bytes.length
    if (this.#size > this.#limit) throw this.#tooLarge(bytes, emit)
    if (!this.#emitted) this.#carry.add(bytes)
    else if (!bytes.every(isBlank)) this.#garbage = true
  }

  /** What is complete before the limit counts also when it came in one piece with what is too much. */
  #tooLarge(bytes: Uint8Array, emit: Emit<unknown>): HttpError {
    if (!this.#emitted) {
      this.#number++
      this.#carry.add(bytes.subarray(0, bytes.length - (this.#size - this.#limit)))
      const first = this.#first(this.#carry.take())
      if (first !== undefined) emit(first.value)
    }
    const what = `has more than the ${this.#limit} bytes that maxItem allows`
    return fault('TOO_LARGE', this.#origin, `Item ${this.#number} of`, what)
  }

  /** The item is all there is up to its separator. */
  #finish(emit: Emit<unknown>): boolean {
    const bytes = this.#carry.take()
    const { garbage, emitted } = this.#reset()
    if (emitted) {
      if (garbage) this.#drop('malformed')
      return true
    }
    // RS may be written twice, and nothing is no item.
    if (bytes.length === 0) return true
    this.#number++
    if (isBlank(bytes.at(-1)) || isDelimited(bytes)) {
      const item = this.#parse(bytes)
      if (item !== undefined) return emit(item.value)
    }
    const first = this.#first(bytes)
    if (first !== undefined) {
      if (!emit(first.value)) return false
      this.#drop('malformed')
    } else this.#drop(bytes.at(-1) === LF ? 'malformed' : 'truncated')
    return true
  }

  #tryEarly(emit: Emit<unknown>): void {
    if (this.#emitted || this.#carry.length === 0 || this.#vain > VAIN + 2 * this.#carry.length) return
    const item = this.#parse(this.#carry.peek())
    this.#vain += this.#carry.length
    if (item === undefined) return
    this.#carry.take()
    this.#emitted = true
    this.#number++
    emit(item.value)
  }

  /** The text before a line end, where more follows that does not belong to it. */
  #first(bytes: Uint8Array): { readonly value: unknown } | undefined {
    const end = endOfText(bytes)
    if (end === undefined) return undefined
    let at = end
    while (isBlank(bytes[at]) && bytes[at] !== LF) at++
    return bytes[at] === LF ? this.#parse(bytes.subarray(0, end)) : undefined
  }

  #parse(bytes: Uint8Array): { readonly value: unknown } | undefined {
    try {
      return { value: JSON.parse(this.#utf8.decode(bytes)) }
    } catch {
      return undefined
    }
  }

  #drop(reason: DroppedItem['reason']): void {
    this.#onDropped?.({ number: this.#number, reason })
  }

  #reset(): { readonly garbage: boolean; readonly emitted: boolean } {
    const before = { garbage: this.#garbage, emitted: this.#emitted }
    this.#size = this.#vain = 0
    this.#emitted = this.#garbage = false
    return before
  }
}

/** Objects, lists and strings show their end themselves; more of a number could be missing (RFC 7464 §2.4). */
function isDelimited(bytes: Uint8Array): boolean {
  const first = bytes[bytes.findIndex(byte => !isBlank(byte))]
  return first === 0x7b || first === 0x5b || first === 0x22
}
