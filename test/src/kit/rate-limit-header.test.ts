import { HttpHeaders, rateLimits, type RateLimit } from 'sluice'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const DATE = 'Sat, 21 Nov 2026 12:00:00 GMT'

/** The limits, without what was not told. */
function read(headers: Record<string, string | readonly string[]>): Partial<RateLimit>[] {
  return rateLimits({ headers: HttpHeaders.of(headers) }).map(one =>
    Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)),
  )
}

describe('RateLimit and RateLimit-Policy', () => {
  it.each<[name: string, headers: Record<string, string | readonly string[]>, limits: Partial<RateLimit>[]]>([
    ['one limit', { ratelimit: '"burst";r=3;t=30' }, [{ policy: 'burst', remaining: 3, resetMs: 30_000 }]],
    [
      'with its policy',
      { ratelimit: '"burst";r=0;t=5', 'ratelimit-policy': '"burst";q=100;w=60;qu="requests"' },
      [{ policy: 'burst', limit: 100, remaining: 0, resetMs: 5_000, windowMs: 60_000, unit: 'requests' }],
    ],
    [
      'two policies, of which one is near its end',
      { ratelimit: '"day";r=1', 'ratelimit-policy': '"burst";q=10;w=1, "day";q=1000;w=86400' },
      [
        { policy: 'burst', limit: 10, windowMs: 1_000 },
        { policy: 'day', limit: 1000, remaining: 1, windowMs: 86_400_000 },
      ],
    ],
    [
      'several lines',
      { ratelimit: ['"a";r=1', '"b";r=2'] },
      [
        { policy: 'a', remaining: 1 },
        { policy: 'b', remaining: 2 },
      ],
    ],
    ['a policy alone', { 'ratelimit-policy': '"p";q=5;w=1' }, [{ policy: 'p', limit: 5, windowMs: 1_000 }]],
    ['a name that is a token', { ratelimit: 'burst;r=1' }, [{ policy: 'burst', remaining: 1 }]],
    [
      'names with commas, quotes and equal signs',
      { ratelimit: String.raw`"a, \"b\"=\\c";r=1` },
      [{ policy: 'a, "b"=\\c', remaining: 1 }],
    ],
    ['a partition key', { ratelimit: '"p";pk=:YWJj:;r=1;t=2' }, [{ policy: 'p', remaining: 1, resetMs: 2_000 }]],
    [
      'spaces and parameters nobody knows',
      { ratelimit: ' "p"; new; r=1;x=?0;y=1.5 ' },
      [{ policy: 'p', remaining: 1 }],
    ],
    [
      'the dictionary of earlier drafts',
      { ratelimit: 'limit=100, remaining=50, reset=7', 'ratelimit-policy': '100;w=60' },
      [{ limit: 100, remaining: 50, resetMs: 7_000, windowMs: 60_000 }],
    ],
  ])('%s', (_, headers, limits) => {
    expect(read(headers)).toEqual(limits)
  })

  it.each([
    ['nothing', ''],
    ['a trailing comma', '"a";r=1,'],
    ['a quote that stays open', '"a;r=1'],
    ['an escape that is none', String.raw`"a\n";r=1`],
    ['two items without a comma', '"a";r=1 "b";r=2'],
    ['a parameter in capitals', '"a";R=1'],
    ['a number of 16 digits', '"a";r=1234567890123456'],
    ['an inner list', '("a");r=1'],
    ['bytes that do not end', '"a";pk=:YWJj;r=1'],
    ['a number in place of the name', '5;r=1'],
    ['markup', '<html>'],
  ])('%s is ignored', (_, ratelimit) => {
    expect(read({ ratelimit })).toEqual([])
  })

  it.each([
    ['a negative rest', '"a";r=-1;t=-5'],
    ['a rest that is a text', '"a";r="1";t=soon'],
    ['a rest without a value', '"a";r;t'],
  ])('%s is not told', (_, ratelimit) => {
    expect(read({ ratelimit })).toEqual([{ policy: 'a' }])
  })

  it('that are broken do not hide the older form', () => {
    expect(read({ ratelimit: '"a', 'ratelimit-remaining': '4' })).toEqual([{ remaining: 4 }])
  })

  it('reads a field of 64 KiB in no time, whatever it is', () => {
    const started = performance.now()
    for (const field of ['"a",'.repeat(16_000), '"'.repeat(65_000), `"${'\\\\'.repeat(32_000)}`, ';a'.repeat(32_000)]) {
      read({ ratelimit: field, 'ratelimit-policy': field })
    }
    const many = Array.from({ length: 5_000 }, (_, at) => `"p${at}";r=1`).join(',')
    expect(read({ ratelimit: many, 'ratelimit-policy': many }).length).toBe(5_000)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('the older forms', () => {
  it.each<[name: string, headers: Record<string, string>, limit: Partial<RateLimit>]>([
    [
      'RateLimit-*',
      { 'ratelimit-limit': '10', 'ratelimit-remaining': '3', 'ratelimit-reset': '7' },
      { limit: 10, remaining: 3, resetMs: 7_000 },
    ],
    [
      'with windows, as Docker Hub sends them',
      { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' },
      { limit: 100, remaining: 76, windowMs: 21_600_000 },
    ],
    ['with policies behind the limit', { 'ratelimit-limit': '10, 10;w=60' }, { limit: 10, windowMs: 60_000 }],
    [
      'X-RateLimit-* with a moment, as GitHub sends them',
      {
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': '1795262405',
        date: DATE,
      },
      { limit: 5000, remaining: 0, resetMs: 5_000 },
    ],
    ['a moment in milliseconds', { 'x-ratelimit-reset': '1795262405000', date: DATE }, { resetMs: 5_000 }],
    ['a moment in the past', { 'x-ratelimit-reset': '1000000000', date: DATE }, { resetMs: 0 }],
    ['the longest time from now', { 'x-ratelimit-reset': '999999999' }, { resetMs: 999_999_999_000 }],
    ['a fraction of a second', { 'x-ratelimit-reset': '0.25' }, { resetMs: 250 }],
    [
      'RateLimit-* before X-RateLimit-*',
      { 'x-ratelimit-remaining': '1', 'ratelimit-remaining': '2' },
      { remaining: 2 },
    ],
  ])('%s', (_, headers, limit) => {
    expect(read(headers)).toEqual([limit])
  })

  it.each(['', 'soon', '-1', '1e3', '0x10', 'Infinity', '1 2', '1234567890123456', 'Sat, 21 Nov 2026 12:00:05 GMT'])(
    'a reset of %j is ignored',
    reset => {
      expect(read({ 'x-ratelimit-reset': reset })).toEqual([])
    },
  )

  it('count a moment from our clock when the answer has no date', () => {
    const limits = virtually(() => read({ 'x-ratelimit-reset': '1000000005' }))
    expect(limits).toEqual([{ resetMs: 1_000_000_005_000 }])
  })
})

it('there is no limit where none is told', () => {
  expect(read({ 'content-type': 'text/plain' })).toEqual([])
})
