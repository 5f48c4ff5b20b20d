import { continuable, continuation, HttpHeaders, isRepresentation, lengthOf, offersRanges } from 'sluice'
import { describe, expect, it } from 'vitest'

type Fields = Readonly<Record<string, string | undefined>>

const headOf = (status: number, headers: Fields) => ({ status, headers: HttpHeaders.of(headers) })

const OLD = 'Sun, 06 Nov 1994 08:49:37 GMT'
const WHAT = { field: 'etag', validator: '"v1"', total: 10 } as const

describe('a whole answer', () => {
  const judged = (headers: Fields, status = 200) =>
    continuable(headOf(status, { 'content-length': '10', etag: '"v1"', ...headers }))

  it('can be continued by its strong ETag, whatever else it says', () => {
    expect(judged({})).toEqual(WHAT)
    expect(judged({ 'last-modified': OLD, 'accept-ranges': 'bytes', 'content-encoding': 'identity' })).toEqual(WHAT)
    expect(judged({ etag: '""' })?.validator).toBe('""')
  })

  it.each([
    ['Sun, 06 Nov 1994 08:50:37 GMT', true],
    ['Sun, 06 Nov 1994 08:50:36 GMT', false],
    ['Sun, 06 Nov 1994 08:49:36 GMT', false],
    ['soon', false],
    [undefined, false],
  ])('sent at %s is known by a date of 08:49:37: %s', (date, known) => {
    const found = judged({ etag: undefined, 'last-modified': OLD, date })
    expect(found).toEqual(known ? { field: 'last-modified', validator: OLD, total: 10 } : undefined)
  })

  it.each<[string, Fields, number?]>([
    ['a status of its own', {}, 203],
    ['a part', {}, 206],
    ['no length', { 'content-length': undefined }],
    ['a length that is none', { 'content-length': '1e1' }],
    ['two lengths', { 'content-length': '10, 10' }],
    ['a length beyond all numbers', { 'content-length': '9'.repeat(16) }],
    ['no bytes', { 'content-length': '0' }],
    ['a coding', { 'content-encoding': 'gzip' }],
    ['no ranges', { 'accept-ranges': 'None' }],
    ['no validator', { etag: undefined }],
    ['a weak one', { etag: 'W/"v1"' }],
    ['a weak one beside an old date', { etag: 'W/"v1"', 'last-modified': OLD, date: 'Mon, 07 Nov 1994 08:49:37 GMT' }],
    ['one without quotes', { etag: 'v1' }],
    ['two of them', { etag: '"v1", "v2"' }],
    ['a date that is none', { etag: undefined, 'last-modified': '784111777', date: OLD }],
  ])('with %s cannot be continued', (_, headers, status) => {
    expect(judged(headers, status)).toBeUndefined()
  })

  it('tells its length, and whether its server serves ranges', () => {
    expect(lengthOf(headOf(200, { 'content-length': '0' }))).toBe(0)
    expect(lengthOf(headOf(200, { 'content-length': '10', 'content-encoding': 'br' }))).toBeUndefined()
    expect(['bytes', 'x, Bytes', 'none', 'megabytes', ''].map(said => offersRanges(headOf(200, { 'accept-ranges': said }))))
      .toEqual([true, true, false, false, false]) // prettier-ignore
  })
})

describe('an answer that shall continue it', () => {
  const judged = (headers: Fields, status = 206) =>
    continuation(headOf(status, { etag: '"v1"', 'content-range': 'bytes 4-9/10', ...headers }), WHAT, 4)

  it('does, up to where it says', () => {
    expect(judged({})).toEqual({ upTo: 10 })
    expect(judged({ 'content-length': '6' })).toEqual({ upTo: 10 })
    expect(judged({ 'content-range': 'bytes 4-4/10' })).toEqual({ upTo: 5 })
    // Range units are case-insensitive (RFC 9110 §14.1).
    expect(judged({ 'content-range': 'Bytes 4-9/10' })).toEqual({ upTo: 10 })
  })

  it.each<[string, string, Fields, number?]>([
    ['is another one by now', 'it has changed', { etag: '"v2"' }, 200],
    ['comes whole', 'ranges are not served', {}, 200],
    ['has no such range', 'it has changed', { etag: undefined }, 416],
    ['is refused', 'status 403', {}, 403],
    ['has another validator', 'it has changed', { etag: '"v2"' }],
    ['has a weak one', 'it has changed', { etag: 'W/"v1"' }],
    ['has none', 'it has changed', { etag: undefined }],
    ['is encoded', 'it is encoded', { 'content-encoding': 'gzip' }],
    ['begins before', 'another range was sent', { 'content-range': 'bytes 3-9/10' }],
    ['begins behind', 'another range was sent', { 'content-range': 'bytes 5-9/10' }],
    ['ends before it begins', 'another range was sent', { 'content-range': 'bytes 4-3/10' }],
    ['ends behind the end', 'another range was sent', { 'content-range': 'bytes 4-10/10' }],
    ['is of another length', 'another range was sent', { 'content-range': 'bytes 4-9/11' }],
    ['is of an unknown length', 'another range was sent', { 'content-range': 'bytes 4-9/*' }],
    ['is of other units', 'another range was sent', { 'content-range': 'items 4-9/10' }],
    ['says it twice', 'another range was sent', { 'content-range': 'bytes 4-9/10, bytes 4-9/10' }],
    ['has a number beyond all numbers', 'another range was sent', { 'content-range': `bytes 4-${'9'.repeat(16)}/10` }],
    ['comes in several parts', 'another range was sent', { 'content-range': undefined }],
    ['is too short for its range', 'its length contradicts its range', { 'content-length': '5' }],
    ['has a length that is none', 'its length contradicts its range', { 'content-length': '0x6' }],
  ])('%s: it does not', (_, why, headers, status) => {
    expect(judged(headers, status)).toEqual({ why })
  })
})

describe('what was written down', () => {
  it('can be a representation', () => {
    expect(isRepresentation(WHAT)).toBe(true)
    expect(isRepresentation({ field: 'last-modified', validator: OLD, total: 1 })).toBe(true)
  })

  it.each<[unknown]>([
    [null],
    ['"v1"'],
    [{}],
    [{ ...WHAT, field: 'date' }],
    [{ ...WHAT, validator: 'W/"v1"' }],
    [{ ...WHAT, validator: ['"v1"'] }],
    [{ ...WHAT, validator: `"${'v'.repeat(8192)}"` }],
    [{ field: 'last-modified', validator: `${OLD}\r\nx: y`, total: 10 }],
    [{ field: 'last-modified', validator: 'soon', total: 10 }],
    [{ ...WHAT, total: 0 }],
    [{ ...WHAT, total: -1 }],
    [{ ...WHAT, total: 1.5 }],
    [{ ...WHAT, total: '10' }],
    [Object.create(WHAT)],
  ])('%j is none', value => {
    expect(isRepresentation(value)).toBe(false)
  })
})
