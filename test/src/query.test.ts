import { describe, expect, it } from 'vitest'
import { withQuery, type Query } from '../../src/query.ts'
import { thrown } from './thrown.ts'

describe('a query', () => {
  it.each<[Query, string]>([
    [{ a: 1, b: 'x y', c: true, d: 10n }, '?a=1&b=x+y&c=true&d=10'],
    [{ a: [1, 2], b: [] }, '?a=1&a=2'],
    [{ a: undefined, b: '' }, '?b='],
    [{}, ''],
    [{ 'a&b': '=&+%#ä' }, '?a%26b=%3D%26%2B%25%23%C3%A4'],
    [new URLSearchParams('a=1&a=2'), '?a=1&a=2'],
    [{ a: '\r\n\0' }, '?a=%0D%0A%00'],
  ])('%o is written as %s', (query, expected) => {
    expect(withQuery('https://api.test/', query)).toBe(`https://api.test/${expected}`)
  })

  it.each([
    ['https://api.test/?x', 'https://api.test/?x&a=1'],
    ['https://api.test/?', 'https://api.test/?a=1'],
    ['https://api.test/?x&', 'https://api.test/?x&a=1'],
    ['https://api.test/x', 'https://api.test/x?a=1'],
  ])('is added to what %s has', (url, expected) => {
    expect(withQuery(url, { a: 1 })).toBe(expected)
  })

  it.each([
    [null],
    [{}],
    [() => 'x'],
    [Symbol('x')],
    [Number.NaN],
    [Infinity],
    [new Date(0)],
    [['a', null]],
    [['a', undefined]],
    [['a', ['b']]],
    ['\ud800'],
  ])('may not have the value %o', value => {
    const error = thrown(() => withQuery('https://api.test/', { v: value as string }))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(
      /^The query value "v" must be text, a number, true or false, or a list of those, not .+\.$/,
    )
  })

  it.each([['a=1'], [[['a', '1']]], [new Map([['a', '1']])], [7], [null], [new Date(0)], [() => ({ a: 1 })]])(
    'may not be %o',
    query => {
      const error = thrown(() => withQuery('https://api.test/', query as unknown as Query))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(/^A query must be an object or URLSearchParams, not .+\.$/)
    },
  )

  it('reads own fields only, each once', () => {
    let reads = 0
    const query = Object.defineProperty(Object.create({ inherited: 1 }) as Record<string, number>, 'a', {
      enumerable: true,
      get: () => ++reads,
    })
    expect(withQuery('https://api.test/', query)).toBe('https://api.test/?a=1')
  })
})
