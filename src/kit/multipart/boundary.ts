/** What stands between the parts of a body (RFC 2046 §5.1.1). */

/** Where a boundary is, or that more bytes are needed to tell. */
export type FoundBoundary =
  | { readonly kind: 'between' | 'last'; readonly at: number; readonly end: number }
  /** None before `at`; from there on it could be one. */
  | { readonly kind: 'unclear'; readonly at: number }

const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d
/** White space that may stand behind a boundary, in bytes; more makes it no boundary. */
const MOST_PADDING = 256

/** What a boundary looks like in a body, with the line end that belongs before it; `undefined` for what cannot be one. */
export function delimiterOf(boundary: string | undefined): Uint8Array | undefined {
  if (boundary === undefined || !/^[\x20-\x7e]{0,69}[\x21-\x7e]$/.test(boundary)) return undefined
  return new TextEncoder().encode(`\r\n--${boundary}`)
}

/** Looks for a boundary, which begins with CRLF. */
export function findBoundary(bytes: Uint8Array, delimiter: Uint8Array): FoundBoundary {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    const found = matchBoundary(bytes, at, delimiter)
    if (found !== undefined) return found
  }
  return { kind: 'unclear', at: bytes.length }
}

/** Looks whether a boundary begins here; `undefined` when it does not. */
export function matchBoundary(bytes: Uint8Array, at: number, delimiter: Uint8Array): FoundBoundary | undefined {
  for (let index = 0; index < delimiter.length; index++) {
    if (at + index >= bytes.length) return { kind: 'unclear', at }
    if (bytes[at + index] !== delimiter[index]) return undefined
  }
  let end = at + delimiter.length
  if (bytes[end] === DASH && bytes[end + 1] === DASH) return { kind: 'last', at, end: end + 2 }
  if (bytes[end] === DASH && end + 1 === bytes.length) return { kind: 'unclear', at }
  const padding = end + MOST_PADDING
  while (end <= padding && (bytes[end] === 0x20 || bytes[end] === 0x09)) end++
  if (end >= bytes.length || (bytes[end] === CR && end + 1 === bytes.length)) return { kind: 'unclear', at }
  // A longer word is that of parts within this one, or none.
  return bytes[end] === CR && bytes[end + 1] === LF ? { kind: 'between', at, end } : undefined
}
