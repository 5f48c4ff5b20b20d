/** What stands between the decode plugin and the decompressors of a platform: the codings, and how one is decoded. */

/** A content coding we know (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** Tells the codings we know from others. */
export function isCoding(name: string): name is Coding {
  return KNOWN.includes(name)
}

const KNOWN: readonly string[] = ['gzip', 'deflate', 'br', 'zstd'] satisfies readonly Coding[]

/** Why something could not be decoded. */
export type Fault = 'truncated' | 'corrupt' | 'trailing' | 'window'

/** Decompresses one coding, one body, piece by piece. */
export interface Inflater {
  /** How many of the bytes that were written have been looked at. */
  readonly consumed: number
  /** Takes some more bytes; false asks to wait for `drain`. */
  write(bytes: Uint8Array): boolean
  /** Nothing more will come. */
  end(): void
  /** Produces nothing more until `resume`, apart from what is on its way. */
  pause(): void
  resume(): void
  /** Frees everything now; the outlet hears nothing more. */
  destroy(): void
}

/** Where a decompressor delivers. */
export interface Outlet {
  /** Some decoded bytes, which belong to whoever gets them. */
  data(bytes: Uint8Array): void
  /** More can be written. */
  drain(): void
  /** The coding ended as it should and all bytes written were part of it. */
  end(): void
  /** The bytes cannot be decoded. */
  error(fault: Fault, cause: unknown): void
}
