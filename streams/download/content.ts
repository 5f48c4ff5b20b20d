/** What is there of a file: its bytes, by what they are known, and how far each range has come. */
import {
  continuable,
  continuation,
  isCoded,
  lengthOf,
  offersRanges,
  type HttpHeaders,
  type ResponseHead,
} from '../../src/index.ts'
import { Verification, type Verdict, type Verify } from './digest.ts'
import { Part } from './part.ts'
import { cut, Range } from './range.ts'
import type { Known } from './record.ts'

/** After so many bytes, how far several ranges have come is written down. */
const SAVED_EVERY = 8 * 1024 * 1024

/** Where a file shall be, and what may become of it. */
export interface Place {
  readonly file: string
  readonly mode: number
  readonly verify: Verify
}

/** Holds what has come of a file. */
export class Content {
  /** True while what an earlier run left is in it: nobody has seen those bytes come. */
  inherited = false
  readonly #place: Place
  #part: Part | undefined
  #what: Known | undefined
  #ranges: readonly Range[] = [new Range()]
  #verification: Verification
  #unsaved = 0
  /** True where digests are those of other bytes: the server's are of what it sends, and not of what became of it. */
  #coded = false

  constructor(place: Place) {
    this.#place = place
    this.#verification = new Verification(place.verify)
  }

  /** By what the bytes are known; nothing where they cannot be continued. */
  get what(): Known | undefined {
    return this.#what
  }
  get ranges(): readonly Range[] {
    return this.#ranges
  }
  get single(): boolean {
    return this.#ranges.length === 1
  }
  get total(): number | undefined {
    return this.#ranges.at(-1)?.end
  }
  get loaded(): number {
    return this.#ranges.reduce((sum, range) => sum + range.loaded, 0)
  }
  /** The first range of which something is missing. */
  get first(): Range {
    return this.#ranges.find(range => !range.isFull()) ?? this.#ranges[0] ?? new Range()
  }

  /** Takes over what an earlier run left, if it did. */
  async inherit(): Promise<void> {
    const over = await Part.leftOver(this.#place.file)
    if (over === undefined) return
    this.#part = over.part
    this.#what = over.what
    this.#ranges = over.ranges
    this.inherited = true
    // Whether the server still has the same is asked in any case.
    const last = over.ranges.at(-1)
    if (last !== undefined && over.ranges.every(range => range.isFull())) last.at -= 1
  }

  /** True for bytes of another url than this. */
  isOfOther(resource: string): boolean {
    return this.#part !== undefined && this.#part.resource !== resource
  }

  /** The end of what an answer brings from `from` on, or why it is no part of this. */
  continued(head: ResponseHead, from: number): ReturnType<typeof continuation> {
    if (this.#what === undefined) return { why: 'nothing to continue' }
    // A validator says nothing about another place. Urls may differ at one: those that are signed always do.
    if (head.status === 206 && originOf(head) !== this.#what.origin) return { why: 'another place answered' }
    return continuation(head, this.#what, from)
  }

  /** Makes room for a whole answer, in as many ranges as it can have; `left` says that nobody wants it any more. */
  async begin(head: ResponseHead, resource: string, most: number, range: Range, left: () => boolean): Promise<void> {
    this.drop(range)
    const part = await Part.create(this.#place.file, resource, this.#place.mode)
    if (left()) {
      part.remove()
      return
    }
    this.#part = part
    const what = continuable(head)
    this.#what = what && { ...what, origin: originOf(head) }
    range.end = lengthOf(head)
    this.#coded = isCoded(head)
    this.hear(head.headers, true)
    if (most > 1 && this.#what !== undefined && offersRanges(head)) {
      const [first, ...others] = cut(this.#what.total, most)
      range.end = first?.end
      this.#ranges = [range, ...others]
    }
    part.save(this.#what, this.#ranges)
  }

  /** Takes note of what the server says of the file. */
  hear(headers: HttpHeaders, whole: boolean): void {
    if (!this.#coded) this.#verification.hear(headers, whole)
  }

  /** Writes bytes where they belong; false when that is no part of it any more. */
  async write(bytes: Uint8Array, range: Range): Promise<boolean> {
    const part = this.#part
    await part?.write(bytes, range.at)
    if (part === undefined || part !== this.#part) return false
    this.#verification.update(bytes, range.at)
    range.at += bytes.length
    this.#unsaved += bytes.length
    if (!this.single && this.#unsaved >= SAVED_EVERY) {
      this.#unsaved = 0
      part.save(this.#what, this.#ranges)
    }
    return true
  }

  /** Compares it, when it is whole, with what is known of it. */
  judge(): Promise<Verdict> {
    return this.#verification.judge(this.total ?? 0, () => this.#part?.bytes() ?? nothing())
  }

  /** Gives it its name. */
  async name(overwrite: boolean): Promise<void> {
    await this.#part?.place(overwrite)
    this.#part = undefined
  }

  /** Leaves nothing behind, or what a later run can go on with. */
  async leave(keep: boolean): Promise<void> {
    const part = this.#part
    this.#part = undefined
    if (part === undefined) return
    if (keep && part.isOfUse && this.loaded > 0) {
      try {
        part.save(this.#what, this.#ranges, false)
      } catch {
        // A later run begins where it was written down last.
      }
    } else part.remove()
    await part.close()
  }

  /** Removes it: what comes next comes into `range`, from the first byte on. */
  drop(range: Range): void {
    this.#part?.remove()
    this.#part = undefined
    this.#what = undefined
    this.inherited = false
    this.#unsaved = 0
    this.#verification = new Verification(this.#place.verify)
    Object.assign(range, { start: 0, at: 0, end: undefined })
    this.#ranges = [range]
  }
}

function originOf(head: ResponseHead): string | undefined {
  return URL.parse(head.url)?.origin
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // Was removed by whoever left.
}
