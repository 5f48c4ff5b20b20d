/** Text out of bytes: by the mark they begin with, the charset somebody names, or UTF-8. */

const UTF8 = new TextDecoder()
const UTF32 = /^(?:utf|ucs)-?(?:32|4)(?:([bl])e)?$/i
const REPLACEMENT = 0xfffd
/** How many characters are made at once: each is an argument of a call. */
const BLOCK = 8192

/** The charset a `Content-Type` names; `undefined` when there is none, or when it is UTF-8. */
export function charsetOf(type: string | undefined): string | undefined {
  if (type === undefined || !/charset/i.test(type)) return undefined
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1]
  return label === undefined || /^utf-?8$/i.test(label) ? undefined : label
}

/**
 * Decodes text. A byte order mark of UTF-8, UTF-16 or UTF-32 says more than a label and is left out; without both it is UTF-8. What
 * is no character becomes U+FFFD. Throws `RangeError` for a charset the platform does not know.
 */
export function decodeText(bytes: Uint8Array, label?: string): string {
  const marked = markOf(bytes)
  if (marked === undefined && label === undefined) return UTF8.decode(bytes)
  const charset = marked?.charset ?? label ?? 'utf-8'
  const [utf32, order] = UTF32.exec(charset) ?? []
  // Without a mark UTF-32 begins with the highest byte (Unicode, D101).
  if (utf32 !== undefined) return fromUtf32(bytes.subarray(marked?.length ?? 0), order?.toLowerCase() === 'l')
  return new TextDecoder(charset).decode(bytes)
}

interface Mark {
  readonly charset: string
  readonly length: number
}

function markOf([a, b, c, d]: Uint8Array): Mark | undefined {
  if (a === 0xef && b === 0xbb && c === 0xbf) return { charset: 'utf-8', length: 3 }
  if (a === 0xfe && b === 0xff) return { charset: 'utf-16be', length: 2 }
  if (a === 0xff && b === 0xfe) {
    // No text begins with NUL: these four are UTF-32.
    return c === 0 && d === 0 ? { charset: 'utf-32le', length: 4 } : { charset: 'utf-16le', length: 2 }
  }
  return a === 0 && b === 0 && c === 0xfe && d === 0xff ? { charset: 'utf-32be', length: 4 } : undefined
}

/** No platform decodes UTF-32. */
function fromUtf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const whole = bytes.length - (bytes.length % 4)
  const texts: string[] = []
  for (let at = 0; at < whole;) {
    const points: number[] = []
    for (; at < whole && points.length < BLOCK; at += 4) points.push(character(view.getUint32(at, littleEndian)))
    texts.push(String.fromCodePoint(...points))
  }
  if (whole < bytes.length) texts.push(String.fromCodePoint(REPLACEMENT))
  return texts.join('')
}

function character(point: number): number {
  return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? REPLACEMENT : point
}
