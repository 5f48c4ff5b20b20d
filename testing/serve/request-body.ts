/** The body of a request: pulled from the socket piece by piece, counted, and kept for the account. */
import type { OpenRequestAccount } from './account.ts'
import { Gone } from './gone.ts'
import { BadRequest, parseFields } from './request-head.ts'
import type { Incoming } from './wire.ts'

/** How a body says where it ends: so many bytes, chunks, or the end of its stream. No body is a length of 0. */
export type RequestFraming = number | 'chunked' | 'stream'

/** What reading a body needs, and whom it tells. */
export interface RequestBodyParts {
  readonly inlet: Incoming
  readonly framing: RequestFraming
  readonly account: OpenRequestAccount
  /** Bodies longer than this many bytes are counted and not kept. */
  readonly keep: number
  /** Called once before the first byte is asked for: the moment of `100 Continue`. */
  readonly begin: () => Promise<void>
  readonly changed: () => void
}

/** Reads one request body, for the handler and for the account. */
export class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #parts: RequestBodyParts
  /** Bytes of the body, or of the current chunk, that are still to come; below 0 before the first chunk. */
  #left: number
  #begun = false
  #kept: Uint8Array[] | undefined = []
  #taken = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: RequestBodyParts) {
    this.#parts = parts
    this.#left = parts.framing === 'chunked' ? -1 : parts.framing === 'stream' ? Infinity : parts.framing
    if (this.#left === 0) this.#complete()
  }

  /** Whether a handler has begun to read. */
  get taken(): boolean {
    return this.#taken
  }

  /** Whether anything of the body was asked for. */
  get begun(): boolean {
    return this.#begun
  }

  /** The pieces in order as they arrive; what was read before is given first if it was kept. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#taken = true
    if (this.#kept === undefined)
      throw new Error(
        'the request body was longer than keepBody, and was read before; give the reply `early: true` to read it live',
      )
    yield* this.#kept
    for (let piece = await this.next(); piece; piece = await this.next()) yield piece
  }

  /** Reads the body to its end. Throws an `Error` when it is longer than `keepBody`. */
  async bytes(): Promise<Uint8Array> {
    this.#taken = true
    await this.drain()
    if (this.#kept === undefined)
      throw new Error(`the request body is longer than keepBody (${this.#parts.keep} bytes); iterate over it instead`)
    return Buffer.concat(this.#kept)
  }

  /** Reads what is left, for the account only. */
  async drain(): Promise<void> {
    while (await this.next()) {
      // next() keeps the account.
    }
  }

  /** Reads the next piece of at most `max` bytes; `undefined` at the end. Throws `Gone` and `BadRequest`. */
  next(max: number = Infinity): Promise<Uint8Array | undefined> {
    // One after the other: the handler and the account may both be reading.
    const piece = this.#last.then(() => this.#pull(max))
    this.#last = piece.catch(() => undefined)
    return piece
  }

  async #pull(max: number): Promise<Uint8Array | undefined> {
    const { inlet, account, keep } = this.#parts
    if (account.complete) return undefined
    if (!this.#begun) {
      this.#begun = true
      await this.#parts.begin()
    }
    if (this.#left <= 0 && !(await this.#nextChunk())) return undefined
    const piece = await inlet.take(Math.min(max, this.#left))
    if (piece === undefined) {
      if (this.#parts.framing !== 'stream') throw new Gone()
      account.rawTrailers = inlet.trailers ?? []
      this.#complete()
      return undefined
    }
    this.#left -= piece.length
    account.bodyBytes += piece.length
    if (account.bodyBytes > keep) this.#kept = undefined
    this.#kept?.push(piece)
    if (this.#left === 0 && typeof this.#parts.framing === 'number') this.#complete()
    this.#parts.changed()
    return piece
  }

  async #nextChunk(): Promise<boolean> {
    if (this.#left === 0 && (await this.#line(2)) !== '') throw new BadRequest(400, 'a chunk is longer than it said')
    const match = /^([0-9a-f]{1,12})(?:;[\t\x20-\x7e]*)?$/i.exec(await this.#line(4096))
    if (!match) throw new BadRequest(400, 'a chunk does not begin with its size')
    this.#left = Number.parseInt(match[1] ?? '', 16)
    if (this.#left > 0) return true
    const trailers: string[] = []
    for (let line = await this.#line(16_384); line !== ''; line = await this.#line(16_384)) trailers.push(line)
    this.#parts.account.rawTrailers = parseFields(trailers)
    this.#complete()
    return false
  }

  async #line(limit: number): Promise<string> {
    const line = await this.#parts.inlet.takeThrough('\r\n', limit).catch(() => {
      throw new BadRequest(400, 'the chunked body is not framed as it should be')
    })
    if (line === undefined) throw new Gone()
    return line.toString('latin1', 0, line.length - 2)
  }

  #complete(): void {
    const { account } = this.#parts
    account.complete = true
    if (this.#kept) account.body = Buffer.concat(this.#kept)
    this.#parts.changed()
  }
}
