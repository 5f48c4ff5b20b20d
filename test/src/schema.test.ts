import { describe, expect, it } from 'vitest'
import { answerOf, isPromise, isSchema, issuePlace, type Schema } from '../../src/schema.ts'

// What a response makes of them is in response.test.ts.

describe('issuePlace', () => {
  it.each([
    [[{ message: 'Expected a string' }], ''],
    [[{ message: 'Bad', path: [] }], ''],
    [[{ message: 'Bad', path: ['users', 0, { key: 'name' }] }, { message: 'Other' }], ' at users.0.name'],
    [[{ message: 'Bad', path: [Symbol('s')] }], ' at Symbol(s)'],
    [[{ message: 'Bad', path: ['grün', '用户'] }], ' at grün.用户'],
    [
      [{ message: 'Bad', path: ['a\r\nGET /', '\u001b[2J\u202e\u2028\ud800'] }],
      ` at a${'\ufffd'.repeat(2)}GET /.\ufffd[2J${'\ufffd'.repeat(3)}`,
    ],
    [[{ message: 'Bad', path: ['k'.repeat(50), 'l'.repeat(100_000)] }], ` at ${'k'.repeat(50)}.${'l'.repeat(49)}…`],
    [[], ''],
  ])('ends a sentence with where the first of %o is', (issues, end) => {
    expect(issuePlace(issues)).toBe(end)
  })
})

describe('isSchema', () => {
  const standard = { version: 1, vendor: 'tests', validate: () => ({ value: 1 }) }

  it.each<[string, unknown, boolean]>([
    ['an object', { '~standard': standard }, true],
    ['a function, as those of arktype', Object.assign(() => 1, { '~standard': standard }), true],
    ['one of a class', Object.create({ '~standard': standard }), true],
    ['nothing', undefined, false],
    ['null', null, false],
    ['text', '~standard', false],
    ['an object without it', {}, false],
    ['one whose interface is null', { '~standard': null }, false],
    ['one that validates nothing', { '~standard': {} }, false],
  ])('looks at %s', (_, value, expected) => {
    expect(isSchema(value)).toBe(expected)
  })

  it('takes nothing that somebody put on the prototype of all objects for one', () => {
    Object.defineProperty(Object.prototype, '~standard', { value: standard, configurable: true })
    try {
      expect(isSchema({})).toBe(false)
    } finally {
      Reflect.deleteProperty(Object.prototype, '~standard')
    }
  })
})

describe('isPromise', () => {
  it('tells an answer that is here from one that is not', () => {
    expect(isPromise({ value: 1 })).toBe(false)
    expect(isPromise({ issues: [] })).toBe(false)
    expect(isPromise(Promise.resolve({ value: 1 }))).toBe(true)
  })

  it.each([[undefined], [null], [7], ['then'], [() => 1], [{ then: true }]])('takes %o for none', broken => {
    expect(isPromise(broken as never)).toBe(false)
  })
})

describe('answerOf', () => {
  const schema: Schema = { '~standard': { version: 1, vendor: 'tests', validate: value => ({ value }) } }

  it.each<[object]>([[{ value: 1 }], [{ value: undefined, issues: undefined }], [{ issues: [] }]])(
    'is %o as it is',
    result => {
      expect(answerOf(schema, result as never)).toBe(result)
    },
  )

  it.each([[undefined], [null], ['s3cret'], [{ issues: 7 }], [{ issues: null }], [{ issues: {} }]])(
    'throws CONFIG for %o and does not show it',
    broken => {
      expect(() => answerOf(schema, broken as never)).toThrow(
        'The schema of tests answered neither with a value nor with a list of issues, as Standard Schema wants.',
      )
    },
  )
})
