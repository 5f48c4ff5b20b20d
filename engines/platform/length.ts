/** How long the body of an answer has to be, as far as the platform shows it. */
import type { HttpHeaders } from '../../src/index.ts'

/** The number of bytes that must come; `undefined` when nobody knows, as for a body the platform has decoded. */
export function lengthOf(headers: HttpHeaders, method: string, status: number): number | undefined {
  if (method === 'HEAD' || status === 204 || status === 304) return 0
  const coding = headers.get('content-encoding')
  if (coding !== undefined && coding.toLowerCase() !== 'identity') return undefined
  const length = headers.get('content-length')
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}
