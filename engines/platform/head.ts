/** What is wrong with the head of an answer, and how long its body has to be, as far as the platform shows it. */
import type { HttpHeaders } from '../../src/index.ts'
import { faultOf as faultOfParsed } from '../exchange/head.ts'
import type { Fault } from '../exchange/progress.ts'

/** How many characters the fields of a head may have together; platforms take more, some any number. */
const MOST = 65_536

/** What is wrong with a head that the platform let through. */
export function faultOf(status: number, fields: readonly string[]): Fault | undefined {
  let size = 0
  for (const part of fields) size += part.length
  if (size > MOST)
    return { code: 'TOO_LARGE', phase: 'headers', what: 'was answered with more header fields than a head may have' }
  return faultOfParsed(status, fields, 0)
}

/** The number of bytes that must come; `undefined` when nobody knows, as for a body the platform has decoded. */
export function lengthOf(headers: HttpHeaders, method: string, status: number): number | undefined {
  if (method === 'HEAD' || status === 204 || status === 304) return 0
  const coding = headers.get('content-encoding')
  if (coding !== undefined && coding.toLowerCase() !== 'identity') return undefined
  const length = headers.get('content-length')
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}
