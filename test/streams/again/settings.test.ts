import { count, flag, HttpError } from 'sluice'
import { describe, expect, it } from 'vitest'
import { settle } from '../../../streams/again/settings.ts'

const DEFAULTS = { times: 2, loud: false }
const CHECKS = { times: count, loud: flag }
const settled = (given: object | undefined, exact?: boolean) => settle('things()', DEFAULTS, CHECKS, given, exact)

describe('options', () => {
  it('are the defaults where nothing is said', () => {
    expect({ ...settled(undefined) }).toEqual(DEFAULTS)
    expect({ ...settled({ times: undefined }) }).toEqual(DEFAULTS)
    expect({ ...settled({ times: 3 }) }).toEqual({ times: 3, loud: false })
  })

  it.each([
    [{ times: -1 }, 'things(): times must be a whole number of at least 0, not -1.'],
    [{ lout: true }, 'things() has no option "lout". It has times, loud.'],
    ['loud', 'The options of things() must be an object, not "loud".'],
    [[1], 'The options of things() must be an object, not a list.'],
    [null, 'The options of things() must be an object, not null.'],
  ])('%j are refused: %s', (given, message) => {
    expect(() => settled(given as object)).toThrow(new HttpError('CONFIG', message, { phase: 'config' }))
  })

  it('may stand among those of others, if so wanted', () => {
    expect({ ...settled({ times: 1, retry: false }, false) }).toEqual({ times: 1, loud: false })
  })

  it('are not read off a prototype', () => {
    const polluted = Object.create({ times: 7 }) as object
    expect(settled(polluted).times).toBe(2)
    expect((settled(undefined) as { toString?: unknown }).toString).toBeUndefined()
  })
})
