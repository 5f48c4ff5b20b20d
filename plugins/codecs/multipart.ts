/** Bodies of many parts that have arrived whole (RFC 2046, RFC 7578). */
import { concat, delimiterOf, findBoundary, Part, partFields, PartHead, type HttpHeaders } from '../../src/index.ts'
import type { FieldLimit } from './built-in.ts'
import { codec, type Codec } from './codec.ts'
import { Refusal } from './refusal.ts'

const CR = 0x0d
const LF = 0x0a
const CRLF = Uint8Array.of(CR, LF)
/** The most bytes of the header fields of a part. */
const MOST_HEADER = 16 * 1024

/** Reads a body as a list of its parts. Parts within parts stay bytes. */
export function multipart({ maxFields }: FieldLimit): Codec {
  return codec({
    types: ['multipart/*'],
    accept: 0.5,
    decode: (bytes, { parameters }, response) => {
      const delimiter = delimiterOf(parameters['boundary'])
      if (delimiter === undefined) throw new Refusal('BODY', 'has no boundary in its content-type (RFC 2046)')
      const parts: Part[] = []
      for (const { headers, body } of split(bytes, delimiter)) {
        const number = parts.length + 1
        if (maxFields !== false && number > maxFields) {
          throw new Refusal('TOO_LARGE', `has more than the ${maxFields} parts that maxFields allows`)
        }
        parts.push(new Part(new PartHead(number, headers), body, response))
      }
      return parts
    },
  })
}

interface Raw {
  readonly headers: HttpHeaders
  readonly body: Uint8Array
}

/** The parts of a copy of the body, so that nobody who writes into one changes the answer. */
function* split(bytes: Uint8Array, delimiter: Uint8Array): Generator<Raw, void> {
  // A boundary begins with the line end before it, which the first one need not have.
  let rest = concat([CRLF, bytes])
  let found = findBoundary(rest, delimiter)
  while (found.kind === 'between') {
    rest = rest.subarray(found.end)
    found = findBoundary(rest, delimiter)
    if (found.kind === 'unclear') break
    yield partOf(rest.subarray(0, found.at))
  }
  if (found.kind === 'unclear') throw new Refusal('BODY', 'ended before its last boundary')
}

/** A part from the line end of its boundary up to that of the next: lines, and after an empty one the body (RFC 2046 §5.1). */
function partOf(bytes: Uint8Array): Raw {
  const blank = blankLine(bytes)
  const block = bytes.subarray(Math.min(CRLF.length, blank), blank)
  if (block.length > MOST_HEADER) {
    throw new Refusal('TOO_LARGE', `has a part with header fields of more than ${MOST_HEADER} bytes`)
  }
  const headers = partFields(block)
  if (headers === undefined) throw new Refusal('BODY', 'has a part with a header line that is no header field')
  return { headers, body: bytes.subarray(Math.min(blank + 2 * CRLF.length, bytes.length)) }
}

/** Where the line ends that comes before the empty one; the end when there is none, or when its line end is that of the next boundary. */
function blankLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF && bytes[at + 2] === CR && bytes[at + 3] === LF) return at
  }
  // The last line ends in front of the line end of the boundary, or with one of its own.
  return bytes.length >= CRLF.length && bytes.at(-2) === CR && bytes.at(-1) === LF
    ? bytes.length - CRLF.length
    : bytes.length
}
