/** One part of a body while it arrives. */
import { PartHead, type HttpHeaders, type Part } from '../../src/index.ts'

/** What a live part reads from. */
export interface PartSource {
  content(part: LivePart): Promise<Uint8Array | undefined>
  gather(part: LivePart): Promise<Part>
}

/** A part that is arriving. It lives until what the projector made of it has completed; what was not read then is skipped. */
export class LivePart extends PartHead implements AsyncIterable<Uint8Array> {
  readonly #source: PartSource

  constructor(number: number, headers: HttpHeaders, source: PartSource) {
    super(number, headers)
    this.#source = source
  }

  /** The next bytes of the part, `undefined` at its end. Not reading holds the server back. */
  read(): Promise<Uint8Array | undefined> {
    return this.#source.content(this)
  }

  /** Gathers what was not read yet; more than `maxPart` bytes fail with `TOO_LARGE`. */
  whole(): Promise<Part> {
    return this.#source.gather(this)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) yield bytes
  }
}
