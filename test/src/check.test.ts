import { describe, expect, it } from 'vitest'
import {
  callback,
  count,
  flag,
  limit,
  listOf,
  LONGEST,
  milliseconds,
  oneOf,
  optional,
  shown,
  size,
  text,
  type Check,
} from '../../src/check.ts'

const table: readonly (readonly [name: string, check: Check, right: readonly unknown[], wrong: readonly unknown[]])[] =
  [
    [
      'milliseconds',
      milliseconds,
      [0, 0.5, 1, LONGEST],
      [-1, Number.NaN, Infinity, -Infinity, LONGEST + 1, '5', null, undefined, false, {}],
    ],
    ['limit', limit, [false, 0.5, 1, LONGEST], [0, -1, Number.NaN, Infinity, LONGEST + 1, true, '5', null, undefined]],
    ['count', count, [0, 1, Number.MAX_SAFE_INTEGER], [-1, 0.5, Number.NaN, Infinity, 2 ** 53, '1', null, undefined]],
    ['size', size, [false, 0, 1], [-1, 0.5, Number.NaN, Infinity, true, '1', null, undefined]],
    ['callback', callback, [() => undefined, String], [null, {}, 'f', undefined]],
    ['flag', flag, [true, false], [0, 1, 'true', null, undefined]],
    ['text', text, ['', 'a'], [0, null, [], undefined]],
    ['listOf(count)', listOf(count), [[], [1, 2]], [[1, -2], 1, 'a', null, {}]],
    ['oneOf', oneOf('a', 1, false), ['a', 1, false], ['b', 0, true, undefined]],
    ['optional(count)', optional(count), [undefined, 1], [-1, null]],
  ]

describe.each(table)('%s', (_, check, right, wrong) => {
  it.each(right.map(value => ({ value })))('accepts $value', ({ value }) => {
    expect(check(value)).toBeUndefined()
  })

  it.each(wrong.map(value => ({ value })))('says what it wanted instead of $value', ({ value }) => {
    expect(check(value)).toMatch(/^(?:a |one of |true or false)/)
  })
})

describe('listOf', () => {
  it('names what each item should have been', () => {
    expect(listOf(count)([1, -1])).toBe('a list, each item a whole number of at least 0')
  })
})

describe('shown', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [10n, '10'],
    [Symbol('mark'), 'Symbol(mark)'],
    [[1], 'a list'],
    [{ a: 1 }, 'an object'],
    [() => 1, 'a function'],
    ['three', '"three"'],
  ])('shows %o as %s', (value, expected) => {
    expect(shown(value)).toBe(expected)
  })

  it('measures a long string instead of showing it', () => {
    expect(shown('x'.repeat(41))).toBe('a string of 41 characters')
  })

  it('shows no user, password or query value of a url', () => {
    expect(shown('http://ada:hunter2@proxy.test?k=s3cret')).not.toMatch(/hunter2|s3cret|ada/)
  })
})
