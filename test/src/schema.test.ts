import { describe, expect, it } from 'vitest'
import { firstIssue, isPromise } from '../../src/schema.ts'

// What a response makes of them is in response.test.ts.

describe('firstIssue', () => {
  it.each([
    [[{ message: 'Expected a string' }], ': Expected a string.'],
    [[{ message: 'Expected a string.' }], ': Expected a string.'],
    [[{ message: 'Bad', path: ['users', 0, { key: 'name' }] }, { message: 'Other' }], ' at users.0.name: Bad.'],
    [[], ': no reason given.'],
  ])('ends a sentence with %o', (issues, end) => {
    expect(firstIssue(issues)).toBe(end)
  })
})

describe('isPromise', () => {
  it('tells an answer that is here from one that is not', () => {
    expect(isPromise({ value: 1 })).toBe(false)
    expect(isPromise({ issues: [] })).toBe(false)
    expect(isPromise(Promise.resolve({ value: 1 }))).toBe(true)
  })
})
