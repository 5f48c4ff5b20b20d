import { describe, expect, it } from 'vitest'
import { closest } from '../../src/closest.ts'

const names = ['headers', 'query', 'params', 'retry', 'timeout', 'ms']

describe('closest', () => {
  it.each([
    ['header', 'headers'],
    ['retries', 'retry'],
    ['timeOut', 'timeout'],
    ['HEADERS', 'headers'],
    ['quary', 'query'],
    ['tiemout', 'timeout'],
    ['sm', 'ms'],
    ['retyr', 'retry'],
  ])('takes %s for a slip of %s', (written, meant) => {
    expect(closest(written, names)).toBe(meant)
  })

  it.each(['authorization', 'x', 'no', 'zzzzz', ''])('has no guess for %j', written => {
    expect(closest(written, names)).toBeUndefined()
  })

  it('prefers the nearest', () => {
    expect(closest('retri', ['retire', 'retry', 'entry'])).toBe('retry')
  })
})
