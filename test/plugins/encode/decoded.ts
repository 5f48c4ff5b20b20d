/** Undoes codings with Node's zlib, for the tests of encode. */
import zlib from 'node:zlib'

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: bytes => zlib.gunzipSync(bytes),
  deflate: bytes => zlib.inflateSync(bytes),
  br: bytes => zlib.brotliDecompressSync(bytes),
  zstd: bytes => zlib.zstdDecompressSync(bytes),
}

/** The bytes without this coding; throws for one that is not known. */
export function decoded(coding: string | undefined, bytes: Uint8Array): Uint8Array {
  if (coding === undefined) return bytes
  const decoder = DECODERS[coding]
  if (decoder === undefined) throw new Error(`no such coding: ${coding}`)
  return new Uint8Array(decoder(bytes))
}
