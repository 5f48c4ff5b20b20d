import { HttpHeaders, retryAfter, type ResponseHead } from 'sluice'
import { describe, expect, it } from 'vitest'
import { aHead } from '../samples.ts'
import { virtually } from '../../support/virtual-time.ts'

const DATE = 'Sat, 21 Nov 2026 12:00:00 GMT'

const head = (headers: Record<string, string>, status = 503): ResponseHead =>
  aHead({ status, headers: HttpHeaders.of(headers) })

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['99999999999', 99_999_999_999_000],
    ['Sat, 21 Nov 2026 12:00:05 GMT', 5_000],
    ['Saturday, 21-Nov-26 12:00:05 GMT', 5_000],
    ['Sat Nov 21 12:00:05 2026', 5_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ])('%j asks for %i ms', (value, ms) => {
    expect(retryAfter(head({ date: DATE, 'retry-after': value }))).toBe(ms)
  })

  it.each(['', 'soon', '-1', '1.5', '0x2', '1e3', 'Infinity', '1, 2', '2026-11-21'])('%j asks for nothing', value => {
    expect(retryAfter(head({ date: DATE, 'retry-after': value }))).toBeUndefined()
  })

  it('that is missing asks for nothing', () => {
    expect(retryAfter(head({}))).toBeUndefined()
  })

  it('as a date counts from our clock when the answer has no date, or none that is one', () => {
    for (const date of [{}, { date: 'today' }]) {
      const ms = virtually(() => retryAfter(head({ ...date, 'retry-after': 'Thu, 01 Jan 1970 00:00:09 GMT' })))
      expect(ms).toBe(9_000)
    }
  })
})

describe('rate limit fields', () => {
  it.each([
    [{ 'ratelimit-reset': '3' }, 3_000],
    [{ 'x-ratelimit-reset': '4' }, 4_000],
    [{ 'x-ratelimit-reset': '1795262405', date: DATE }, 5_000],
    [{ 'x-ratelimit-reset': '1000000000', date: DATE }, 0],
    [{ ratelimit: '"burst";r=0;t=6' }, 6_000],
    [{ ratelimit: '"day";r=05;t=3600, "burst";t=6;r=0' }, 6_000],
    [{ ratelimit: '"day";r=05;t=3600' }, undefined],
    [{ ratelimit: '"day";r=7;t=3600' }, undefined],
    [{ 'ratelimit-reset': 'soon' }, undefined],
  ])('of a 429 ask for a time: %j', (headers, ms) => {
    expect(retryAfter(head(headers as Record<string, string>, 429))).toBe(ms)
  })

  it('of other answers, and beside Retry-After, do not count', () => {
    expect(retryAfter(head({ 'ratelimit-reset': '3' }, 503))).toBeUndefined()
    expect(retryAfter(head({ 'ratelimit-reset': '3', 'retry-after': '1' }, 429))).toBe(1_000)
    expect(retryAfter(head({ 'ratelimit-reset': '3', 'retry-after': 'soon' }, 429))).toBeUndefined()
  })
})
