import { describe, expect, it } from 'vitest'
import { checkedName, checkedValue, fieldsOf } from '../../src/field.ts'

// What may not be a name or a value is listed in headers.test.ts: nobody else makes fields.

describe('a header field', () => {
  it('is what was given when that can be sent', () => {
    expect(checkedName('X-Tag')).toBe('X-Tag')
    expect(checkedValue('x-tag', 'a b')).toBe('a b')
  })

  it('costs time in proportion to its length, also when it is all white space', () => {
    const start = performance.now()
    checkedValue('a', `x${' '.repeat(1_000_000)}x`)
    checkedValue('a', '\t'.repeat(1_000_000))
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})

describe('fieldsOf', () => {
  it('flattens records and pairs to name, value, name, value', () => {
    expect(fieldsOf({ a: '1', b: ['2', '3'], c: undefined })).toEqual(['a', '1', 'b', '2', 'b', '3'])
    expect(fieldsOf(new Map([['a', '1']]))).toEqual(['a', '1'])
  })

  it('knows again what can be read but once: a call may be made twice', () => {
    const entries = new Map([['authorization', 'Bearer a']]).entries()
    expect([fieldsOf(entries), fieldsOf(entries)]).toEqual(Array(2).fill(['authorization', 'Bearer a']))
    const wrong = new Map([
      ['a b', '1'],
      ['c', '2'],
    ]).entries()
    expect(() => fieldsOf(wrong)).toThrow('is not a header name')
    expect(() => fieldsOf(wrong)).toThrow('is not a header name')
    const map = new Map([['a', '1']])
    fieldsOf(map)
    map.set('a', '2')
    expect(fieldsOf(map)).toEqual(['a', '2'])
  })

  it('takes own fields only', () => {
    expect(fieldsOf(Object.create({ inherited: 'x' }) as Record<string, string>)).toEqual([])
  })
})
