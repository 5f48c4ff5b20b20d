/** Header fields as undici hands them over, and what they say about the length of a body. */
import type { Dispatcher } from 'undici'
import type { ErrorCode } from '../../src/index.ts'

/**
 * Turns name, value, name, value … from bytes into text, in the order and case in which they came. They are pieces of one
 * block of bytes, which is read at once and then cut: a third of the price of reading each.
 */
export function fieldsOf(raw: Dispatcher.DispatchController['rawHeaders']): readonly string[] {
  const fields: string[] = []
  if (!Array.isArray(raw)) return fields
  const first = raw[0]
  const last = raw.at(-1)
  if (typeof first !== 'object' || typeof last !== 'object') return fields
  const { buffer, byteOffset: start } = first
  const end = last.byteOffset + last.length
  const block = last.buffer === buffer && end > start ? Buffer.from(buffer, start, end - start).toString('latin1') : ''
  for (const part of raw as readonly Buffer[]) {
    const at = part.byteOffset - start
    // What arrived in two pieces was put together elsewhere.
    if (part.buffer === buffer && at >= 0 && at + part.length <= block.length)
      fields.push(block.slice(at, at + part.length))
    else fields.push(part.toString('latin1'))
  }
  return fields
}

/** What the end of a body is known by: its length, chunks that say so, or only the end of the connection. */
export type Framing = number | 'chunked' | 'close'

/** Reads how the body of an answer is framed (RFC 9112 §6.3); the parser has refused what contradicts itself. */
export function framingOf(fields: readonly string[], method: string, status: number): Framing {
  if (method === 'HEAD' || status === 204 || status === 304) return 0
  let framing: Framing = 'close'
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name.length === 14 && name.toLowerCase() === 'content-length') framing = Number(fields[at + 1])
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return 'chunked'
  }
  return framing
}

/** How many 1xx answers and how many header fields are taken from a peer. */
const MOST_INFORMATIONAL = 16
const MOST_FIELDS = 2000

/** What is wrong with a head that the parser let through; `informational` counts the 1xx answers up to this one. */
export function faultOf(
  status: number,
  fields: readonly string[],
  informational: number,
): readonly [code: ErrorCode, what: string] | undefined {
  if (fields.length > 2 * MOST_FIELDS) return ['TOO_LARGE', `was answered with more than ${MOST_FIELDS} header fields`]
  if (status === 101) return ['PROTOCOL', 'was answered with 101 Switching Protocols, for which it had not asked']
  if (status < 100) return ['PROTOCOL', `was answered with the status ${status}, which does not exist`]
  if (informational > MOST_INFORMATIONAL) {
    return ['TOO_LARGE', `was answered with more than ${MOST_INFORMATIONAL} informational answers`]
  }
  return undefined
}
