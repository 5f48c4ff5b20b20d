/** Bodies in every coding, for the tests of decode. */
import zlib from 'node:zlib'

/** A coding as it stands in `Content-Encoding`, and bare deflate, which is sent under the same name. */
export type Encoding = 'gzip' | 'deflate' | 'bare deflate' | 'br' | 'zstd'

/** All of them. */
export const ENCODINGS: readonly Encoding[] = ['gzip', 'deflate', 'bare deflate', 'br', 'zstd']

const ENCODERS: Readonly<Record<Encoding, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: bytes => zlib.gzipSync(bytes),
  deflate: bytes => zlib.deflateSync(bytes),
  'bare deflate': bytes => zlib.deflateRawSync(bytes),
  br: bytes => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: bytes => zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }),
}

/** Encodes a body. */
export function encode(encoding: Encoding, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(ENCODERS[encoding](bytes))
}

/** What `Content-Encoding` says of it. */
export function named(encoding: Encoding): string {
  return encoding === 'bare deflate' ? 'deflate' : encoding
}

/** Bytes that compress a little: text with some noise, the same for the same size. */
export function sample(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  let state = 1
  for (let at = 0; at < size; at++) {
    state = (state * 48_271) % 2_147_483_647
    bytes[at] = state % 4 === 0 ? state % 256 : 97 + (at % 7)
  }
  return bytes
}

/** Cuts bytes into pieces of a size. */
export function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const cut: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) cut.push(bytes.slice(at, at + size))
  return cut
}

/** Puts bytes behind each other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Bytes that cannot be compressed. */
export function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
