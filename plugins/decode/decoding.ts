/** One body on its way through its decoders, the last coding applied first, with limits behind each. */
import { inflateNow } from '#zlib'
import { concat, type Flow } from '../../src/index.ts'
import type { Coding, Fault } from './inflater.ts'
import { Layer, type LayerOwner } from './layer.ts'

/** What a decoding may produce. */
export interface DecodeLimits {
  /** The most bytes that may come out of each coding. */
  readonly maxBytes: number | false
  /** The most bytes that may come out for each byte that was received; looked at beyond the first MiB. */
  readonly ratio: number | false
}

/** What went wrong: a coding could not be decoded, or a limit was reached. */
export type Failure =
  | { readonly fault: Fault; readonly coding: Coding; readonly cause: unknown }
  | { readonly fault: 'size' | 'ratio'; readonly limit: number }

/** Where decoded bytes go. */
export interface Sink {
  data(bytes: Uint8Array): void
  end(): void
  error(failure: Failure): void
}

/** Below this many decoded bytes a ratio says nothing. */
const RATIO_FROM = 1024 * 1024
/** Up to so many bytes of a body that is gathered anyway are kept back, to decode them at once. */
const SHORT = 32 * 1024
const SHORT_DECODED = 1024 * 1024

/** Decodes one body. What it is given comes out of the sink, at the pace of whoever holds its flow. */
export class Decoding implements Flow, LayerOwner {
  readonly #codings: readonly Coding[]
  readonly #layers: readonly Layer[]
  readonly #limits: DecodeLimits
  readonly #source: Flow
  readonly #sink: Sink
  #received = 0
  /** The whole body so far, while it may turn out to be a short one. */
  #short: Uint8Array[] | undefined
  #full = false
  #paused = false
  #over = false

  constructor(codings: readonly Coding[], limits: DecodeLimits, source: Flow, live: boolean, sink: Sink) {
    this.#codings = codings
    this.#limits = limits
    this.#source = source
    this.#sink = sink
    this.#short = live || codings.length > 1 ? undefined : []
    const layers: Layer[] = []
    for (const coding of codings) layers.unshift(new Layer(coding, this, layers[0]))
    this.#layers = layers
  }

  /** Takes some bytes as they were received. */
  write(bytes: Uint8Array): void {
    if (this.#over || bytes.length === 0) return
    this.#received += bytes.length
    if (this.#short !== undefined) {
      this.#short.push(bytes)
      if (this.#received > SHORT) this.#unpack()
    } else this.#push(bytes)
  }

  /** Nothing more will be received. */
  end(): void {
    if (this.#short !== undefined) this.#decodeNow(concat(this.#short))
    if (this.#over) return
    this.#unpack()
    this.#layers[0]?.close()
  }

  /** Frees the decoders; nothing more comes out. */
  destroy(): void {
    this.#over = true
    for (const layer of this.#layers) layer.destroy()
  }

  pause(): void {
    this.#paused = true
    this.#layers.at(-1)?.pause()
    this.#source.pause()
  }

  resume(): void {
    this.#paused = false
    this.#layers.at(-1)?.resume()
    if (!this.#full) this.#source.resume()
  }

  /** Judges what a layer has produced so far; says whether it may go on. */
  allow(produced: number): boolean {
    const { maxBytes, ratio } = this.#limits
    if (maxBytes !== false && produced > maxBytes) this.fail({ fault: 'size', limit: maxBytes })
    else if (ratio !== false && produced > RATIO_FROM && produced > this.#consumed * ratio)
      this.fail({ fault: 'ratio', limit: ratio })
    return !this.#over
  }

  /** The first layer can take more again. */
  drained(): void {
    this.#full = false
    if (!this.#paused) this.#source.resume()
  }

  deliver(bytes: Uint8Array): void {
    if (!this.#over) this.#sink.data(bytes)
  }

  finish(): void {
    if (this.#over) return
    this.destroy()
    this.#sink.end()
  }

  fail(failure: Failure): void {
    if (this.#over) return
    this.destroy()
    this.#sink.error(failure)
  }

  get #consumed(): number {
    return this.#layers[0]?.consumed ?? 0
  }

  #push(bytes: Uint8Array): void {
    if (this.#layers[0]?.write(bytes) === false && !this.#over) {
      this.#full = true
      this.#source.pause()
    }
  }

  #decodeNow(bytes: Uint8Array): void {
    const [coding] = this.#codings
    if (coding === undefined || bytes.length === 0) return
    const decoded = inflateNow(coding, bytes, Math.min(SHORT_DECODED, this.#limits.maxBytes || SHORT_DECODED))
    if (decoded === undefined) return
    this.deliver(decoded)
    this.finish()
  }

  #unpack(): void {
    const kept = this.#short ?? []
    this.#short = undefined
    for (const bytes of kept) this.#push(bytes)
  }
}
