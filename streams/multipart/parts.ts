/** The parts of a body, one after the other, each read from the socket only as far as it is wanted. */
import {
  concat,
  describe,
  findBoundary,
  HttpError,
  matchBoundary,
  Part,
  partFields,
  type FoundBoundary,
  type StreamingResponse,
} from '../../src/index.ts'
import { Carry } from '../reading/carry.ts'
import { fault } from '../reading/fault.ts'
import type { Readable } from '../reading/parser.ts'
import { LivePart, type PartSource } from './part.ts'

/** How much there may be. `false`: any number. */
export interface PartLimits {
  readonly maxParts: number | false
  readonly maxHeader: number
  readonly maxPart: number | false
}

const CR = 0x0d
const LF = 0x0a
const CRLF = Uint8Array.of(CR, LF)
/** Bytes behind the last boundary that are read so that the connection can be used again. */
const MOST_EPILOGUE = 64 * 1024

/** Reads parts; `read()` skips what is left of the part before. */
export class Parts implements Readable<LivePart>, PartSource {
  readonly #response: StreamingResponse
  readonly #boundary: Uint8Array
  readonly #limits: PartLimits
  /** What was read and is not used. A boundary begins with the line end before it, which the first one need not have. */
  #buffer: Uint8Array = CRLF
  /** Between the parts: the boundary before the next one was read. */
  #between = false
  #last = false
  /** The empty line before a body is not read yet: its line end may be that of a boundary. */
  #blank = false
  #count = 0
  #current: LivePart | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(response: StreamingResponse, boundary: Uint8Array, limits: PartLimits) {
    this.#response = response
    this.#boundary = boundary
    this.#limits = limits
  }

  /** The next part, `undefined` behind the last. */
  read(): Promise<LivePart | undefined> {
    this.#current = undefined
    return this.#inTurn(async () => {
      while ((await this.#bytes()) !== undefined);
      if (this.#last) return this.#drain()
      const number = ++this.#count
      if (this.#limits.maxParts !== false && number > this.#limits.maxParts) {
        const what = `has more than the ${this.#limits.maxParts} parts that maxParts allows`
        throw fault('TOO_LARGE', this.#response, 'The body of', what)
      }
      const headers = partFields(await this.#header())
      if (headers === undefined) {
        throw fault('BODY', this.#response, `Part ${number} of`, 'has a header line that is no header field')
      }
      this.#current = new LivePart(number, headers, this)
      return this.#current
    })
  }

  content(part: LivePart): Promise<Uint8Array | undefined> {
    return this.#inTurn(() => {
      if (this.#current === part) return this.#bytes()
      const { request } = this.#response
      const what = `Part ${part.number} of the answer to ${describe(request)} is over: it lived as long as what was made of it.`
      throw new HttpError('CANCELLED', what, { phase: 'body', request })
    })
  }

  async gather(part: LivePart): Promise<Part> {
    const { maxPart } = this.#limits
    const gathered = new Carry()
    for (let bytes = await this.content(part); bytes !== undefined; bytes = await this.content(part)) {
      gathered.add(bytes)
      if (maxPart !== false && gathered.length > maxPart) {
        const what = `has more than the ${maxPart} bytes that maxPart allows; read it with a projector`
        throw fault('TOO_LARGE', this.#response, `Part ${part.number} of`, what)
      }
    }
    return new Part(part, gathered.take().slice(), this.#response)
  }

  /** One read at a time, in the order in which they were asked for. */
  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    // Whoever asked hears of its failure; the next one fails by itself, or does not.
    this.#turn = done.then(nothing, nothing)
    return done
  }

  /** The next bytes before a boundary, which is read then. */
  async #bytes(): Promise<Uint8Array | undefined> {
    if (this.#blank) {
      const boundary = await this.#boundaryAt(0)
      this.#blank = false
      if (boundary === undefined) this.#buffer = this.#buffer.subarray(CRLF.length)
    }
    while (!this.#between && !this.#last) {
      const found = findBoundary(this.#buffer, this.#boundary)
      if (found.at > 0) {
        const bytes = this.#buffer.subarray(0, found.at)
        this.#buffer = this.#buffer.subarray(found.at)
        return bytes
      }
      if (found.kind === 'unclear') await this.#more()
      else {
        this.#between = found.kind === 'between'
        this.#last = found.kind === 'last'
        this.#buffer = this.#buffer.subarray(found.end)
      }
    }
    return undefined
  }

  /** The lines behind a boundary up to an empty one, or up to the next boundary: a part need not have a body (RFC 2046 §5.1). */
  async #header(): Promise<Uint8Array> {
    // Where a line ends: first that of the boundary.
    let at = 0
    while ((await this.#boundaryAt(at)) === undefined) {
      const end = await this.#lineEnd(at + CRLF.length)
      if (end === at + CRLF.length) {
        this.#blank = true
        return this.#cut(at, end)
      }
      at = end
    }
    return this.#cut(at, at)
  }

  /** Takes the lines up to a place, and goes on at another. */
  #cut(end: number, next: number): Uint8Array {
    const block = this.#buffer.subarray(Math.min(CRLF.length, end), end)
    this.#buffer = this.#buffer.subarray(next)
    this.#between = false
    return block
  }

  /** The boundary that begins here, when enough was read to tell. */
  async #boundaryAt(at: number): Promise<FoundBoundary | undefined> {
    for (;;) {
      const found = matchBoundary(this.#buffer, at, this.#boundary)
      if (found?.kind !== 'unclear') return found
      await this.#more()
    }
  }

  /** The next line end from here on. */
  async #lineEnd(from: number): Promise<number> {
    const most = this.#limits.maxHeader + CRLF.length
    for (;;) {
      let at = this.#buffer.indexOf(CR, from)
      while (at >= 0 && at + 1 < this.#buffer.length && this.#buffer[at + 1] !== LF)
        at = this.#buffer.indexOf(CR, at + 1)
      const end = at >= 0 ? at : this.#buffer.length
      if (end > most && end > from) {
        const what = `has header fields of more than the ${this.#limits.maxHeader} bytes that maxHeader allows`
        throw fault('TOO_LARGE', this.#response, `Part ${this.#count} of`, what)
      }
      if (at >= 0 && at + 1 < this.#buffer.length) return at
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    const bytes = await this.#response.read()
    if (bytes === undefined) throw fault('BODY', this.#response, 'The body of', 'ended before its last boundary')
    this.#buffer = this.#buffer.length === 0 ? bytes : concat([this.#buffer, bytes])
  }

  async #drain(): Promise<undefined> {
    let left = MOST_EPILOGUE - this.#buffer.length
    while (left > 0) left -= (await this.#response.read())?.length ?? Infinity
  }
}

function nothing(): void {
  // Heard by whoever asked.
}
