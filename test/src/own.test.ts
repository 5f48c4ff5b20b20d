import { describe, expect, it } from 'vitest'
import { own } from '../../src/own.ts'

describe('own', () => {
  it('copies own fields to an object that inherits nothing', () => {
    const copy = own(Object.assign(Object.create({ inherited: 1 }) as object, { a: 1 }))
    expect(Object.getPrototypeOf(copy)).toBeNull()
    expect({ ...copy }).toEqual({ a: 1 })
    expect('inherited' in copy).toBe(false)
  })

  it('keeps a field called __proto__ a field', () => {
    const copy = own(JSON.parse('{"__proto__":{"a":1}}') as { a?: number })
    expect(Object.getPrototypeOf(copy)).toBeNull()
    expect(copy.a).toBeUndefined()
  })

  it('reads a getter once', () => {
    let reads = 0
    const copy = own({
      get a() {
        return ++reads
      },
    })
    expect([copy.a, copy.a]).toEqual([1, 1])
  })
})
