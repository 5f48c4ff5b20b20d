import { describe, expect, it } from 'vitest'
import { isPromise, issuePlace } from '../../src/schema.ts'

// What a response makes of them is in response.test.ts.

describe('issuePlace', () => {
  it.each([
    [[{ message: 'Expected a string' }], ''],
    [[{ message: 'Bad', path: [] }], ''],
    [[{ message: 'Bad', path: ['users', 0, { key: 'name' }] }, { message: 'Other' }], ' at users.0.name'],
    [[{ message: 'Bad', path: [Symbol('s')] }], ' at Symbol(s)'],
    [[], ''],
  ])('ends a sentence with where the first of %o is', (issues, end) => {
    expect(issuePlace(issues)).toBe(end)
  })
})

describe('isPromise', () => {
  it('tells an answer that is here from one that is not', () => {
    expect(isPromise({ value: 1 })).toBe(false)
    expect(isPromise({ issues: [] })).toBe(false)
    expect(isPromise(Promise.resolve({ value: 1 }))).toBe(true)
  })
})
