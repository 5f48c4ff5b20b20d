import { HttpHeaders, withQuery } from 'sluice'
import { describe, expect, it } from 'vitest'
import { changed } from '../../../streams/again/change.ts'

describe('the options of the next request', () => {
  it('are those of the call where nothing is changed', () => {
    const call = { query: { a: 1 }, headers: { b: '2' }, body: 'c', params: { d: 4 }, method: 'PUT' }
    expect(changed(call, {}, 'next')).toEqual(call)
    expect(call).toEqual({ query: { a: 1 }, headers: { b: '2' }, body: 'c', params: { d: 4 }, method: 'PUT' })
  })

  it.each([
    [{ a: 1, b: 2 }, { b: 3 }, 'a=1&b=3'],
    [{ a: 1, b: 2 }, new URLSearchParams('b=3&b=4'), 'a=1&b=3&b=4'],
    [new URLSearchParams('a=1&a=2&b=2'), { b: 3 }, 'a=1&a=2&b=3'],
    [new URLSearchParams('a=1&b=2'), new URLSearchParams('b=3'), 'a=1&b=3'],
    [undefined, { b: 3 }, 'b=3'],
    [{ a: 1, b: 2 }, { b: undefined }, 'a=1'],
  ])('have a query in which names are replaced: %s and %s', (said, added, wanted) => {
    const { query } = changed({ query: said }, { query: added }, 'next')
    expect(withQuery('', query ?? {})).toBe(`?${wanted}`)
  })

  it('have headers in which names are replaced, whatever their case', () => {
    const { headers } = changed({ headers: { Accept: 'a', 'X-Cursor': '1' } }, { headers: { 'x-cursor': '2' } }, 'next')
    expect([...HttpHeaders.of(headers)]).toEqual([
      ['Accept', 'a'],
      ['x-cursor', '2'],
    ])
  })

  it('have another body, also one of nothing', () => {
    expect(changed({ body: 'a' }, { body: 'b' }, 'next').body).toBe('b')
    expect(changed({ body: 'a' }, { body: null }, 'next').body).toBe(null)
    expect(changed({ body: 'a' }, { body: undefined }, 'next').body).toBe('a')
  })

  it.each([undefined, null, 7, 'a', []])('are not made of %s', change => {
    expect(() => changed({}, change as object, 'who()')).toThrow(/^who\(\) must return an object/)
  })
})
