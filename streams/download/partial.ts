/** Which answers can be continued, and which answer continues them (RFC 9110 §13.1.5, §14.4, §15.3.7). */
import { parseHttpDate, type ResponseHead } from '../../src/index.ts'

/** By what a representation is known, and how long it is. */
export interface Representation {
  readonly field: 'etag' | 'last-modified'
  readonly validator: string
  readonly total: number
}

/** How much later than `Last-Modified` an answer must be for the date to be a strong validator, in milliseconds. */
const SETTLED = 60_000

/** How long a whole answer is; `undefined` when that is not known, or when it may be decoded on its way to us. */
export function lengthOf(head: ResponseHead): number | undefined {
  const length = head.headers.get('content-length')
  return length === undefined || !/^\d{1,15}$/.test(length) || isCoded(head) ? undefined : Number(length)
}

/** What is known of a whole answer that could be continued; `undefined` for one that could not. */
export function continuable(head: ResponseHead): Representation | undefined {
  const { status, headers } = head
  const total = lengthOf(head)
  if (status !== 200 || total === undefined) return undefined
  if (/(?:^|,)\s*none\s*(?:,|$)/i.test(headers.get('accept-ranges') ?? '')) return undefined
  const etag = headers.get('etag')
  // A weak one (W/"…") says that two are as good as each other, not that they are the same bytes.
  if (etag !== undefined) return isStrong(etag) ? { field: 'etag', validator: etag, total } : undefined
  const modified = headers.get('last-modified')
  return modified === undefined || !isOld(modified, headers.get('date'))
    ? undefined
    : { field: 'last-modified', validator: modified, total }
}

/** True when the server says that it serves ranges. */
export function offersRanges({ headers }: ResponseHead): boolean {
  return /(?:^|,)\s*bytes\s*(?:,|$)/i.test(headers.get('accept-ranges') ?? '')
}

/** The end of the range an answer brings from `from` on, or why it does not continue what is there. */
export function continues(
  head: ResponseHead,
  { field, validator, total }: Representation,
  from: number,
): { readonly upTo: number } | { readonly why: string } {
  const { status, headers } = head
  const same = headers.get(field) === validator
  if (status !== 206) return { why: same ? 'the server does not serve ranges of it' : 'it has changed' }
  if (!same) return { why: 'it has changed' }
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers.get('content-range') ?? '')
  const [first, last, whole] = [range?.[1], range?.[2], range?.[3]].map(Number)
  const length = headers.get('content-length')
  const fits = first === from && whole === total && last !== undefined && last >= first && last < total
  const honest = length === undefined || Number(length) === (last ?? 0) - from + 1
  return fits && honest && !isCoded(head) ? { upTo: last + 1 } : { why: 'the server sent another range than asked for' }
}

/** Tells whether what is written in a record could be a representation. */
export function isRepresentation(value: unknown): value is Representation {
  if (typeof value !== 'object' || value === null) return false
  const { field, validator, total } = value as Partial<Record<keyof Representation, unknown>>
  const known = field === 'etag' ? isStrong(String(validator)) : field === 'last-modified'
  // It becomes a header field.
  return known && /^[\x20-\x7e\x80-\xff]{1,8192}$/.test(String(validator)) && Number.isSafeInteger(total)
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
