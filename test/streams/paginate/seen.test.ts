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
