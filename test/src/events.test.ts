import { describe, expect, it } from 'vitest'
import { notice } from '../../src/events.ts'

describe('notice', () => {
  it('is how a plugin tells what it does', () => {
    expect(notice('retry', 'retrying', { in: 300 })).toEqual({
      type: 'notice',
      plugin: 'retry',
      name: 'retrying',
      detail: { in: 300 },
    })
    expect(notice('cache', 'hit').detail).toEqual({})
  })
})
