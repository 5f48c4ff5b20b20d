import * as front from 'sluice'
import { describe, expect, it } from 'vitest'
import * as inner from '../../src/index.ts'

describe('the doors of the core', () => {
  it.each([
    'createClient',
    'useClient',
    'recommended',
    'definePlugin',
    'Token',
    'HttpError',
    'isHttpError',
    'reissue',
    'mapAnswer',
    'tapAnswer',
    'respondWithin',
    'answered',
  ])('the front door has %s, as promised', name => {
    expect(front).toHaveProperty(name)
  })

  it('are one house: what the inner door has, the front door has too', () => {
    const doors = { ...front } as Readonly<Record<string, unknown>>
    for (const [name, value] of Object.entries(inner)) expect(doors[name]).toBe(value)
  })

  it('the inner door makes no clients, so that no plugin and no engine can', () => {
    for (const name of ['createClient', 'useClient', 'recommended']) expect(inner).not.toHaveProperty(name)
  })
})
