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

  it('takes own fields only', () => {
    expect(fieldsOf(Object.create({ inherited: 'x' }) as Record<string, string>)).toEqual([])
  })
})
