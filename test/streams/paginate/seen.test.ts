import { expect, it } from 'vitest'
import { keyOf, Seen } from '../../../streams/paginate/seen.ts'

it('knows what was there before', () => {
  const seen = new Seen()
  expect(['a', 'b', 'a', undefined, undefined].map(key => seen.add(key))).toEqual([true, true, false, true, true])
})

it('forgets what was there long ago, so that a list may be endless', () => {
  const seen = new Seen()
  for (let n = 0; n <= 10_000; n++) seen.add(String(n))
  expect([seen.add('1'), seen.add('0')]).toEqual([false, true])
})

it('forgets earlier what is long, so that a server cannot have much of it kept', () => {
  const seen = new Seen()
  const long = (n: number): string => String(n).padStart(64 * 1024, '?')
  for (let n = 0; n < 100; n++) seen.add(long(n))
  expect([seen.add(long(0)), seen.add(long(99))]).toEqual([true, false])
  const one = '?'.repeat(64 * 1024 * 1024)
  expect([seen.add(one), seen.add(one)]).toEqual([true, false])
})

it('tells two pages apart by all that is said of them', () => {
  const query = { a: 1, b: [2n, 3] }
  expect(keyOf({ query })).toBe(keyOf({ query: new URLSearchParams('a=1&b=2&b=3') }))
  const keys = [
    { query },
    { query: { a: 2 } },
    { params: { a: 1 } },
    { body: { a: 1 } },
    { body: [1] },
    { body: 'a' },
    {},
  ].map(keyOf)
  expect(new Set(keys).size).toBe(keys.length)
})

it('does not compare what cannot be seen into', () => {
  const bodies = [new FormData(), new Blob(['a']), new Uint8Array(1), () => 'a', (async function* () {})(), new Map()]
  expect(bodies.map(body => keyOf({ body: body as Blob }))).toEqual(bodies.map(() => undefined))
  expect(keyOf({ headers: { a: '1' } })).toBeUndefined()
})
