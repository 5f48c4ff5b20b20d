/** What the head of an answer says about its body, and what is wrong with it. */
import type { Fault } from './progress.ts'

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
export function faultOf(status: number, fields: readonly string[], informational: number): Fault | undefined {
  if (fields.length > 2 * MOST_FIELDS)
    return fault('TOO_LARGE', `was answered with more than ${MOST_FIELDS} header fields`)
  if (status === 101) return fault('PROTOCOL', 'was answered with 101 Switching Protocols, for which it had not asked')
  if (status < 100) return fault('PROTOCOL', `was answered with the status ${status}, which does not exist`)
  if (informational > MOST_INFORMATIONAL) {
    return fault('TOO_LARGE', `was answered with more than ${MOST_INFORMATIONAL} informational answers`)
  }
  return undefined
}

function fault(code: Fault['code'], what: string): Fault {
  return { code, phase: 'headers', what }
}
