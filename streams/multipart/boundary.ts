/** What stands between the parts. */
import type { StreamingResponse } from '../../src/index.ts'
import { fault } from '../reading/fault.ts'
import { parametersOf } from './parameters.ts'

/** Where a boundary is, or that more bytes are needed to tell. */
export type Found =
  | { readonly kind: 'between' | 'last'; readonly at: number; readonly end: number }
  /** None before `at`; from there on it could be one. */
  | { readonly kind: 'unclear'; readonly at: number }

const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d
/** White space that may stand behind a boundary, in bytes; more makes it no boundary. */
const MOST_PADDING = 256

/** The boundary `Content-Type` names, with what belongs before it. Throws `BODY` when there is none. */
export function boundaryOf(response: StreamingResponse): Uint8Array {
  const type = response.headers.get('content-type') ?? 'missing'
  const boundary = parametersOf(type).get('boundary') ?? ''
  if (!/^multipart\/[^\s;]+/i.test(type) || !/^[\x20-\x7e]{0,69}[\x21-\x7e]$/.test(boundary)) {
    const shown = type.length > 100 ? `${type.slice(0, 100)}…` : type
    throw fault(
      'BODY',
      response,
      'The content-type of',
      `must be multipart/… with a boundary (RFC 2046), and is ${JSON.stringify(shown)}`,
    )
  }
  return new TextEncoder().encode(`\r\n--${boundary}`)
}

/** Looks for a boundary, which begins with CRLF (RFC 2046 §5.1.1). */
export function find(bytes: Uint8Array, boundary: Uint8Array): Found {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    const found = matches(bytes, at, boundary)
    if (found !== undefined) return found
  }
  return { kind: 'unclear', at: bytes.length }
}

/** Looks whether a boundary begins here; `undefined` when it does not. */
export function matches(bytes: Uint8Array, at: number, boundary: Uint8Array): Found | undefined {
  for (let index = 0; index < boundary.length; index++) {
    if (at + index >= bytes.length) return { kind: 'unclear', at }
    if (bytes[at + index] !== boundary[index]) return undefined
  }
  let end = at + boundary.length
  if (bytes[end] === DASH && bytes[end + 1] === DASH) return { kind: 'last', at, end: end + 2 }
  if (bytes[end] === DASH && end + 1 === bytes.length) return { kind: 'unclear', at }
  const padding = end + MOST_PADDING
  while (end <= padding && (bytes[end] === 0x20 || bytes[end] === 0x09)) end++
  if (end >= bytes.length || (bytes[end] === CR && end + 1 === bytes.length)) return { kind: 'unclear', at }
  // A longer word is that of parts within this one, or none.
  return bytes[end] === CR && bytes[end + 1] === LF ? { kind: 'between', at, end } : undefined
}
