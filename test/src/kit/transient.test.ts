import { HttpError, isTransient, type HttpErrorDetails } from 'sluice'
import { describe, expect, it } from 'vitest'
import { aResponse } from '../samples.ts'

const with_ = (code: string): HttpErrorDetails => ({ cause: Object.assign(new Error(code), { code }) })

describe('what may go away by itself', () => {
  it.each([
    ['CONNECT', {}],
    ['RESET', { phase: 'headers' }],
    ['TIMEOUT', { phase: 'headers' }],
    ['TIMEOUT', { phase: 'idle' }],
    ['TIMEOUT', { phase: 'attempt' }],
    ['DNS', with_('EAI_AGAIN')],
    ['TLS', with_('ECONNRESET')],
    ['PROXY', { requestWritten: 'no' }],
    ['BODY', { phase: 'body' }],
  ] as const)('is %s %j', (code, details) => {
    expect(isTransient(new HttpError(code, 'no', details))).toBe(true)
  })

  it.each([
    ['TIMEOUT', { phase: 'queue' }],
    ['TIMEOUT', { phase: 'deadline' }],
    ['DNS', with_('ENOTFOUND')],
    ['TLS', with_('CERT_HAS_EXPIRED')],
    ['PROXY', { requestWritten: 'no', response: aResponse('', {}, 407) }],
    ['PROXY', { requestWritten: 'maybe' }],
    ['BODY', { phase: 'decode' }],
    ['PROTOCOL', {}],
    ['TOO_LARGE', {}],
    ['STATUS', { response: aResponse('', {}, 503) }],
    ['CONFIG', {}],
    ['CLOSED', {}],
    ['CANCELLED', {}],
  ] as const)('is not %s %j', (code, details) => {
    expect(isTransient(new HttpError(code, 'no', details))).toBe(false)
  })

  it('is not what others throw', () => {
    expect(isTransient(Object.assign(new Error('reset'), { code: 'RESET' }))).toBe(false)
    expect(isTransient(undefined)).toBe(false)
  })
})
