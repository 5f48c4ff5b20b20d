import { describe, expect, it } from 'vitest'
import { HttpError } from '../../src/index.ts'
import { attempt, Entry } from '../../src/owned.ts'
import { reason } from './thrown.ts'

// How a client uses them is in lifetime.test.ts.

const error = new HttpError('CANCELLED', 'Enough.')

describe('something owned', () => {
  it('is released once and then forgotten', async () => {
    const log: string[] = []
    const entry = new Entry({ release: () => void log.push('release') }, () => log.push('forget'))
    await Promise.all([entry.end(undefined), entry.end(undefined)])
    await entry.end(error)
    expect(log).toEqual(['release', 'forget'])
  })

  it('is forced once, in place of a release or after it', async () => {
    const log: string[] = []
    const owned = {
      release: () => {
        log.push('release')
        return new Promise<void>(() => undefined)
      },
      force: ({ code }: HttpError) => void log.push(code),
    }
    const entry = new Entry(owned, () => log.push('forget'))
    void entry.end(undefined)
    await Promise.all([entry.end(error), entry.end(error)])
    expect(log).toEqual(['release', 'CANCELLED', 'forget'])
  })
})

describe('attempt', () => {
  it('makes a rejection of what is thrown', async () => {
    expect(
      await reason(
        attempt(() => {
          throw new Error('x')
        }),
      ),
    ).toEqual(new Error('x'))
  })
})
