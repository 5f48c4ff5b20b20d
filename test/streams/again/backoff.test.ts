import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Backoff, BACKOFF, BACKOFF_CHECKS } from '../../../streams/again/backoff.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** All of the jitter, so that the bounds can be seen. */
function longest(): void {
  vi.spyOn(Math, 'random').mockReturnValue(1)
}

describe('the waits between attempts', () => {
  it('grow by a factor, up to the longest one', () => {
    longest()
    const backoff = new Backoff({ ...BACKOFF, first: 100, factor: 3, most: 1_000 })
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([100, 300, 900, 1_000, 1_000])
  })

  it('are one second and up to thirty when nothing is said', () => {
    longest()
    const backoff = new Backoff(BACKOFF)
    expect([1, 2, 3, 4, 5, 6, 7].map(() => backoff.next())).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ])
  })

  it('have full jitter: anything from nothing to all', () => {
    const backoff = new Backoff({ ...BACKOFF, factor: 1 })
    const waits = Array.from({ length: 1_000 }, () => backoff.next())
    expect(Math.min(...waits)).toBeLessThan(50)
    expect(Math.max(...waits)).toBeGreaterThan(950)
    expect(waits.every(wait => wait >= 0 && wait <= 1_000)).toBe(true)
  })

  it('begin anew when it worked', () => {
    longest()
    const backoff = new Backoff(BACKOFF)
    backoff.next()
    backoff.next()
    backoff.reset()
    expect(backoff.next()).toBe(1_000)
  })

  it('never stop being a time, however often it is tried', () => {
    longest()
    const backoff = new Backoff({ ...BACKOFF, factor: 1e300 })
    for (let n = 0; n < 100; n++) expect(backoff.next()).toBeLessThanOrEqual(30_000)
  })

  it('are never longer than a timer can wait: it would ring at once', () => {
    longest()
    const backoff = new Backoff({ ...BACKOFF, mostAsked: 2_147_483_647 })
    expect(backoff.next(Infinity)).toBe(2_147_483_647)
  })

  it('come on top of what the server asked for, which has its own limit', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const backoff = new Backoff({ ...BACKOFF, factor: 1, mostAsked: 60_000 })
    expect(backoff.next(10_000)).toBe(10_500)
    expect(backoff.next(3_600_000)).toBe(60_500)
    expect(backoff.next(Infinity)).toBe(60_500)
    expect(backoff.next(-5)).toBe(500)
  })

  it('are never more than both limits together', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true })),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (asked, factor) => {
          const backoff = new Backoff({ first: 10, factor, most: 500, mostAsked: 2_000 })
          return asked.every(ms => {
            const wait = backoff.next(ms)
            return wait >= 0 && wait <= 2_500
          })
        },
      ),
    )
  })
})

describe('options of waits', () => {
  it.each([
    ['first', 0],
    ['first', '1s'],
    ['first', Infinity],
    ['factor', 0.5],
    ['factor', Infinity],
    ['factor', Number.NaN],
    ['most', -1],
    ['mostAsked', 0],
  ] as const)('%s cannot be %j', (name, value) => {
    expect(BACKOFF_CHECKS[name](value)).toMatch(/^a number/)
  })

  it('are fine as they are by default', () => {
    for (const name of ['first', 'factor', 'most', 'mostAsked'] as const) {
      expect(BACKOFF_CHECKS[name](BACKOFF[name])).toBeUndefined()
    }
  })
})
