/** Which media types are worth compressing. */

/** Formats that are compressed already, or compress their parts: doing it again costs time and saves nothing. */
const COMPRESSED: ReadonlySet<string> = new Set([
  'application/epub+zip',
  'application/grpc',
  'application/gzip',
  'application/java-archive',
  'application/pdf',
  'application/vnd.android.package-archive',
  'application/vnd.rar',
  'application/x-7z-compressed',
  'application/x-apple-diskimage',
  'application/x-brotli',
  'application/x-bzip',
  'application/x-bzip2',
  'application/x-compress',
  'application/x-gzip',
  'application/x-lzma',
  'application/x-rar-compressed',
  'application/x-xz',
  'application/x-zip-compressed',
  'application/zip',
  'application/zlib',
  'application/zstd',
  'font/woff',
  'font/woff2',
])

/** Pictures and sounds that are not. */
const PLAIN =
  /^(?:image\/(?:svg\+xml|bmp|x-ms-bmp|x-icon|vnd\.microsoft\.icon|x-portable-.*)|audio\/(?:wav|wave|x-wav|l16|basic|midi))$/

/**
 * Says whether a body of this media type (in lower case, without parameters; empty when there is none) is likely to become smaller:
 * all do but pictures, sound, video, archives and documents that are archives, and woff fonts. The default of `types`.
 */
export function compressible(type: string): boolean {
  if (COMPRESSED.has(type)) return false
  if (/^(?:image|audio|video)\//.test(type)) return PLAIN.test(type)
  if (/^application\/(?:vnd\.openxmlformats-officedocument|vnd\.oasis\.opendocument)\./.test(type)) return false
  return !/^application\/grpc[+-]|\+(?:zip|gzip|zstd)$/.test(type)
}
