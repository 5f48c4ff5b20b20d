import { describe, expect, it } from 'vitest'
import { defaultEngine } from '../../src/no-default-engine.ts'
import { thrown } from './thrown.ts'

describe('a platform without a default engine', () => {
  it('says what to do', () => {
    expect(thrown(() => defaultEngine())).toMatchObject({
      code: 'UNSUPPORTED',
      message: 'This platform has no default engine; give one, as in createClient({ engine }).',
    })
  })
})
