import { parseHttpDate } from 'sluice'
import { describe, expect, it } from 'vitest'

const NOW = Date.UTC(2026, 10, 21)
const read = (text: string): string | undefined => {
  const time = parseHttpDate(text, NOW)
  return time === undefined ? undefined : new Date(time).toISOString()
}

describe('an HTTP date', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'is read in the form of %s',
    text => {
      expect(read(text)).toBe('1994-11-06T08:49:37.000Z')
    },
  )

  it.each([
    ['Sunday, 06-Nov-27 08:49:37 GMT', '2027'],
    ['Sunday, 06-Nov-76 08:49:37 GMT', '2076'],
    ['Sunday, 06-Nov-77 08:49:37 GMT', '1977'],
    ['Sunday, 06-Nov-00 08:49:37 GMT', '2000'],
  ])('with two digits, %s, is in the year %s', (text, year) => {
    expect(read(text)?.slice(0, 4)).toBe(year)
  })

  it('may be in a leap second, and on a leap day', () => {
    expect(read('Sat, 31 Dec 2016 23:59:60 GMT')).toBe('2016-12-31T23:59:59.000Z')
    expect(read('Thu, 29 Feb 2024 00:00:00 GMT')).toBe('2024-02-29T00:00:00.000Z')
  })

  it.each([
    '',
    '0',
    '120',
    '2024-02-29T00:00:00Z',
    'Thu, 29 Feb 2024 00:00:00',
    'Thu, 29 Feb 2024 00:00:00 UTC',
    'Thu, 29 Feb 2024 00:00:00 +0000',
    'thu, 29 feb 2024 00:00:00 gmt',
    'Thu, 9 Feb 2024 00:00:00 GMT',
    ' Thu, 29 Feb 2024 00:00:00 GMT',
    'Wed, 29 Feb 2023 00:00:00 GMT',
    'Thu, 00 Feb 2024 00:00:00 GMT',
    'Thu, 29 Feb 2024 24:00:00 GMT',
    'Thu, 29 Feb 2024 00:60:00 GMT',
    'Thu, 29 Feb 2024 00:00:61 GMT',
    'Thu, 29 Feb 2024 00:00:00 GMT, Thu, 29 Feb 2024 00:00:00 GMT',
  ])('is not %j', text => {
    expect(read(text)).toBeUndefined()
  })

  it('is found not to be one in linear time', () => {
    const start = performance.now()
    for (const piece of ['Sun, ', ' ', '0', 'Nov ', ':']) parseHttpDate(piece.repeat(100_000), NOW)
    expect(performance.now() - start).toBeLessThan(200)
  })
})
