/** Where a JSON text ends, before it is known whether it is one. */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The place behind the first value in these bytes, as brackets and quotes say; `undefined` when it does not end here. */
export function endOfText(bytes: Uint8Array): number | undefined {
  let at = 0
  while (isBlank(bytes[at])) at++
  if (bytes[at] === QUOTE) return endOfString(bytes, at)
  if (!opens(bytes[at])) {
    while (at < bytes.length && !isBlank(bytes[at])) at++
    return at
  }
  let depth = 0
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = endOfString(bytes, at)
      if (end === undefined) return undefined
      at = end
      continue
    }
    at++
    if (opens(byte)) depth++
    else if (closes(byte) && --depth === 0) return at
  }
  return undefined
}

/** Space, tab, LF and CR (RFC 8259 §2). */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function endOfString(bytes: Uint8Array, quote: number): number | undefined {
  let at = quote + 1
  while (at < bytes.length) {
    if (bytes[at] === QUOTE) return at + 1
    at += bytes[at] === BACKSLASH ? 2 : 1
  }
  return undefined
}

function opens(byte: number | undefined): boolean {
  return byte === 0x7b || byte === 0x5b
}

function closes(byte: number | undefined): boolean {
  return byte === 0x7d || byte === 0x5d
}
