/** Which answers can be continued, and which answer continues them (RFC 9110 §13.1.5, §14.4, §15.3.7). */
import { parseHttpDate, type ResponseHead } from '../../src/index.ts'

/** By what a representation is known, and how long it is. */
export interface Representation {
  readonly field: 'etag' | 'last-modified'
  readonly validator: string
  readonly total: number
  readonly url: string
}

/** How much later than `Last-Modified` an answer must be for the date to be a strong validator, in milliseconds. */
const SETTLED = 60_000

/**
 * What is known of an answer that could be continued: it is a whole one, as it is kept (no content coding, neither visible
 * nor taken off, which takes its length along), and it has a strong validator. `undefined` for all others.
 */
export function continuable(head: ResponseHead): Representation | undefined {
  const { status, headers, url } = head
  const length = headers.get('content-length')
  if (status !== 200 || length === undefined || !/^\d{1,15}$/.test(length) || isCoded(head)) return undefined
  if (/(?:^|,)\s*none\s*(?:,|$)/i.test(headers.get('accept-ranges') ?? '')) return undefined
  const etag = headers.get('etag')
  const total = Number(length)
  // A weak one (W/"…") says that two are as good as each other, not that they are the same bytes.
  if (etag !== undefined) return isStrong(etag) ? { field: 'etag', validator: etag, total, url } : undefined
  const modified = headers.get('last-modified')
  if (modified === undefined || !isOld(modified, headers.get('date'))) return undefined
  return { field: 'last-modified', validator: modified, total, url }
}

/** Why an answer does not continue a representation at an offset, `undefined` when it does. */
export function mismatch(head: ResponseHead, wanted: Representation, offset: number): string | undefined {
  const { status, headers } = head
  if (status === 200 || status === 416) {
    return headers.get(wanted.field) === wanted.validator ? 'ranges are not served' : 'it has changed'
  }
  if (status !== 206) return `status ${status}`
  if (head.url !== wanted.url) return 'another place answered'
  if (headers.get(wanted.field) !== wanted.validator) return 'it has changed'
  if (isCoded(head)) return 'it is encoded'
  const { first, last, total } = rangeOf(head) ?? {}
  if (first !== offset || total !== wanted.total || last === undefined || last < first || last >= total) {
    return 'another range was sent'
  }
  const length = headers.get('content-length')
  return length === undefined || Number(length) === last - first + 1 ? undefined : 'its length contradicts its range'
}

/** Which bytes an answer says it has, as counted from 0, and of how many. */
export function rangeOf({ headers }: ResponseHead): Record<'first' | 'last' | 'total', number> | undefined {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers.get('content-range') ?? '')
  return range === null ? undefined : { first: Number(range[1]), last: Number(range[2]), total: Number(range[3]) }
}

function isStrong(etag: string): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag)
}

/** RFC 9110 §8.8.2.2; a minute, so that a resource that changes twice in a second, and two clocks, do not matter. */
function isOld(modified: string, date: string | undefined): boolean {
  const [then, now] = [parseHttpDate(modified, 0), parseHttpDate(date ?? '', 0)]
  return then !== undefined && now !== undefined && now - then >= SETTLED
}

function isCoded({ headers }: ResponseHead): boolean {
  return !/^\s*(?:identity)?\s*$/i.test(headers.get('content-encoding') ?? '')
}
