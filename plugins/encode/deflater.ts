/** What stands between the encode plugin and the compressors of a platform: the codings, and how one is applied. */

/** A content coding a body can be sent with (RFC 9110 §8.4.1, RFC 7932, RFC 8878). */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** The lowest and the highest level of each coding, as its library counts them. */
export type Levels = Readonly<Record<Coding, readonly [lowest: number, highest: number]>>

/** Compresses one body, piece by piece. */
export interface Deflater {
  /** Takes some more bytes, after `taken` was told of those before. */
  write(bytes: Uint8Array): void
  /** Lets out what it holds back, where the platform can. */
  flush(): void
  /** Nothing more will come. */
  end(): void
  /** Frees everything now. */
  destroy(): void
}

/** Where a compressor delivers. */
export interface Outlet {
  /** Some compressed bytes. */
  data(bytes: Uint8Array): void
  /** What was written is done with. */
  taken(): void
  /** All of it came out. */
  end(): void
  /** The platform failed. */
  error(cause: unknown): void
}
