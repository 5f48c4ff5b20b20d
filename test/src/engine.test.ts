import { describe, expect, it } from 'vitest'
import { DEADLINE, LIMITS, NEEDS, UPLOAD_PROGRESS } from '../../src/engine.ts'
import { aRequest } from './samples.ts'

describe('what an engine is told by notes', () => {
  it('is nothing unless somebody says so', () => {
    const request = aRequest()
    expect([request.read(LIMITS), request.read(NEEDS), request.read(DEADLINE)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(request.read(UPLOAD_PROGRESS)).toBe(false)
  })

  it('travels with the request', () => {
    const request = aRequest().note(LIMITS, { dns: 5 }).note(NEEDS, ['trailers']).note(UPLOAD_PROGRESS, true)
    const sent = request.header('a', 'b').with({ method: 'HEAD' })
    expect([sent.read(LIMITS), sent.read(NEEDS), sent.read(UPLOAD_PROGRESS)]).toEqual([{ dns: 5 }, ['trailers'], true])
  })
})
