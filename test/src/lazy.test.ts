import { describe, expect, it } from 'vitest'
import { Lazy } from '../../src/lazy.ts'
import { reason } from './thrown.ts'

describe('Lazy', () => {
  it('makes nothing until somebody loads it, and then once', async () => {
    let made = 0
    const lazy = new Lazy(() => ++made)
    expect([lazy.started, lazy.now, made]).toEqual([false, undefined, 0])
    expect(await Promise.all([lazy.load(), lazy.load()])).toEqual([1, 1])
    expect([lazy.started, lazy.now, made]).toEqual([true, 1, 1])
  })

  it('tells those who wait without loading it', async () => {
    const lazy = new Lazy(() => Promise.resolve('made'))
    const waiting = lazy.loaded
    await lazy.load()
    expect(await waiting).toBe('made')
  })

  it('is there at once when it was given', async () => {
    const lazy = Lazy.of('given')
    expect([lazy.started, lazy.now]).toEqual([true, 'given'])
    expect(await lazy.load()).toBe('given')
    expect(await lazy.loaded).toBe('given')
  })

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('fails everybody who loads it when its making %s, and nobody else', async (_, make) => {
    const lazy = new Lazy(make)
    expect(await reason(lazy.load())).toEqual(new Error('no'))
    expect(await reason(lazy.load())).toEqual(new Error('no'))
    expect(lazy.now).toBeUndefined()
  })
})
