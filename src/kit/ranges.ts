/** Kit for plugin authors: bytes that are continued where they broke off (RFC 9110 §8.8, §13.1.5, §14, §15.3.7). */
import type { ResponseHead } from '../events.ts'
import { parseHttpDate } from './http-date.ts'

/** By what a representation is known, and how long it is: what a later answer must agree with to continue it. */
export interface Representation {
  /** The field its validator came in. */
  readonly field: 'etag' | 'last-modified'
  /** As it was sent: it goes into `If-Range`, and is compared character by character (RFC 9110 §8.8.3.2). */
  readonly validator: string
  /** Its length in bytes, at least 1. */
  readonly total: number
}

/** What is looked at of an answer. */
type Head = Pick<ResponseHead, 'status' | 'headers'>

/** How much later than `Last-Modified` an answer must be for the date to be a strong validator, in milliseconds. */
const SETTLED = 60_000

/** True when a body is sent with a content coding, or was until the platform took it off (RFC 9110 §8.4). */
export function isCoded({ headers }: Head): boolean {
  return !/^\s*(?:identity)?\s*$/i.test(headers.get('content-encoding') ?? '')
}

/**
 * How many bytes the body of an answer has, by `Content-Length` (RFC 9110 §8.6). `undefined` when that is missing or no number, and where
 * there is a content coding: what takes it off leaves another number of bytes.
 */
export function lengthOf(head: Head): number | undefined {
  const length = head.headers.get('content-length')
  return length === undefined || !/^\d{1,15}$/.test(length) || isCoded(head) ? undefined : Number(length)
}

/**
 * What is known of a whole answer that can be continued when it breaks off. It is a 200 of a known length without content coding,
 * from a server that does not refuse ranges, with a strong `ETag` (RFC 9110 §8.8.3), or without any, a `Last-Modified` that is at
 * least a minute older than the answer's `Date` (§8.8.2.2). `undefined` for all others, and for an empty body.
 *
 * @example
 * ```ts
 * import { continuable, HttpHeaders } from 'sluice'
 *
 * const headers = HttpHeaders.of({ 'content-length': 10, etag: '"v1"' })
 * console.log(continuable({ status: 200, headers })?.validator) // "v1"
 * ```
 */
export function continuable(head: Head): Representation | undefined {
  const { status, headers } = head
  const total = lengthOf(head)
  if (status !== 200 || total === undefined || total === 0 || namesUnit(head, 'none')) return undefined
  const etag = headers.get('etag')
  // A weak one (W/"…") says that two are as good as each other, not that they are the same bytes.
  if (etag !== undefined) return isStrong(etag) ? { field: 'etag', validator: etag, total } : undefined
  const modified = headers.get('last-modified')
  return modified === undefined || !isOld(modified, headers.get('date'))
    ? undefined
    : { field: 'last-modified', validator: modified, total }
}

/** True when the server says that it serves ranges of bytes (`Accept-Ranges`, RFC 9110 §14.3). */
export function offersRanges(head: Head): boolean {
  return namesUnit(head, 'bytes')
}

/**
 * Judges the answer to a request with `Range: bytes=from-` and `If-Range`: `upTo` is where the bytes it brings end, exclusively; they may be
 * fewer than were asked for. Else `why` says what is wrong with it, as the middle of a sentence, and none of its bytes may be used.
 *
 * It continues only as a 206 with the same validator, without content coding, whose `Content-Range` begins at `from`, lies inside of
 * the same length in all, and is as long as its `Content-Length` (RFC 9110 §14.4, §15.3.7). Where it came from is for the caller
 * to compare: a validator says nothing about another resource.
 */
export function continuation(
  head: Head,
  { field, validator, total }: Representation,
  from: number,
): { readonly upTo: number } | { readonly why: string } {
  const { status, headers } = head
  const same = headers.get(field) === validator
  if (status === 200 || status === 416) return { why: same ? 'ranges are not served' : 'it has changed' }
  if (status !== 206) return { why: `status ${status}` }
  if (!same) return { why: 'it has changed' }
  if (isCoded(head)) return { why: 'it is encoded' }
  const { first, last, of } = rangeOf(head) ?? {}
  if (first !== from || of !== total || last === undefined || last < first || last >= total) {
    return { why: 'another range was sent' }
  }
  const length = headers.get('content-length')
  return length === undefined || length === String(last - first + 1)
    ? { upTo: last + 1 }
    : { why: 'its length contradicts its range' }
}

/** True for what could be a {@link Representation}: to be asked of one that was written down, before it becomes a header field. */
export function isRepresentation(value: unknown): value is Representation {
  if (typeof value !== 'object' || value === null) return false
  const own = new Map<string, unknown>(Object.entries(value))
  const [field, validator, total] = [own.get('field'), own.get('validator'), own.get('total')]
  if (typeof validator !== 'string' || !/^[\x20-\x7e\x80-\xff]{1,8192}$/.test(validator)) return false
  const known = field === 'etag' ? isStrong(validator) : field === 'last-modified' && isDate(validator)
  return known && Number.isSafeInteger(total) && (total as number) > 0
}

/** Which bytes an answer says it has, counted from 0, and of how many. */
function rangeOf({ headers }: Head): Record<'first' | 'last' | 'of', number> | undefined {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(headers.get('content-range') ?? '')
  return range === null ? undefined : { first: Number(range[1]), last: Number(range[2]), of: Number(range[3]) }
}

function namesUnit({ headers }: Head, unit: string): boolean {
  return (headers.get('accept-ranges') ?? '').split(',').some(name => name.trim().toLowerCase() === unit)
}

function isStrong(etag: string): boolean {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag)
}

function isDate(text: string): boolean {
  return parseHttpDate(text, 0) !== undefined
}

/** RFC 9110 §8.8.2.2; a minute, so that a resource that changes twice in a second, and two clocks, do not matter. */
function isOld(modified: string, date: string | undefined): boolean {
  const [then, now] = [parseHttpDate(modified, 0), parseHttpDate(date ?? '', 0)]
  return then !== undefined && now !== undefined && now - then >= SETTLED
}
