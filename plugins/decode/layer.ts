/** One coding of a body: its decoder, and where what comes out goes next. */
import { inflate } from '#zlib'
import type { Coding, Fault, Inflater, Outlet } from './inflater.ts'

/** Hears of what the layers of a body do. */
export interface LayerOwner {
  /** Judges how much a layer has produced; says whether it may go on. */
  allow(produced: number): boolean
  /** Bytes came out of the last layer. */
  deliver(bytes: Uint8Array): void
  /** The first layer can take more again. */
  drained(): void
  /** The last layer has ended. */
  finish(): void
  fail(failure: { readonly fault: Fault; readonly coding: Coding; readonly cause: unknown }): void
}

/** Decodes one coding; opened with its first byte, so that a body nobody sends costs nothing. */
export class Layer implements Outlet {
  readonly #coding: Coding
  readonly #owner: LayerOwner
  readonly #next: Layer | undefined
  #previous: Layer | undefined
  #inflater: Inflater | undefined
  #produced = 0
  /** Asked for before there was anything to decode, it holds from the first byte on. */
  #paused = false

  constructor(coding: Coding, owner: LayerOwner, next: Layer | undefined) {
    this.#coding = coding
    this.#owner = owner
    this.#next = next
    if (next !== undefined) next.#previous = this
  }

  /** How many bytes it has looked at. */
  get consumed(): number {
    return this.#inflater?.consumed ?? 0
  }

  /** Takes bytes to decode; false asks to wait until there is room. */
  write(bytes: Uint8Array): boolean {
    this.#inflater ??= this.#open(bytes[0] ?? 0)
    return this.#inflater.write(bytes)
  }

  /** Nothing more will be written. */
  close(): void {
    if (this.#inflater === undefined) this.end()
    else this.#inflater.end()
  }

  pause(): void {
    this.#paused = true
    this.#inflater?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#inflater?.resume()
  }

  destroy(): void {
    this.#inflater?.destroy()
  }

  data(bytes: Uint8Array): void {
    this.#produced += bytes.length
    if (!this.#owner.allow(this.#produced)) return
    if (this.#next === undefined) this.#owner.deliver(bytes)
    else if (!this.#next.write(bytes)) this.pause()
  }

  drain(): void {
    if (this.#previous === undefined) this.#owner.drained()
    else this.#previous.resume()
  }

  end(): void {
    if (this.#next === undefined) this.#owner.finish()
    else this.#next.close()
  }

  error(fault: Fault, cause: unknown): void {
    this.#owner.fail({ fault, coding: this.#coding, cause })
  }

  #open(first: number): Inflater {
    const inflater = inflate(this.#coding, first, this)
    if (this.#paused) inflater.pause()
    return inflater
  }
}
