/** What `Content-Encoding` says. */
import type { ResponseHead } from '../../src/index.ts'

/** How many codings one body may have. */
export const MOST_CODINGS = 5

/**
 * The codings of a body in the order in which they were applied, in lower case, without `identity`; at most one more than
 * may be. None for an answer without a body, and for a part of one (206), whose bytes are a part of the encoded form.
 */
export function codingsOf({ status, headers, request }: ResponseHead): readonly string[] {
  const value = headers.get('content-encoding')
  if (value === undefined || request.method === 'HEAD' || status === 204 || status === 206 || status === 304) return []
  if (headers.get('content-length') === '0') return []
  return value
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim().replace(/^x-(?=gzip$)/, ''))
    .filter(coding => coding !== '' && coding !== 'identity')
    .slice(0, MOST_CODINGS + 1)
}
