import { HttpError, HttpResponse, type ErrorCode } from 'sluice'
import { describe, expect, it } from 'vitest'
import { askedToWait, worthAnotherTry } from '../../../streams/again/worth.ts'
import { aResponse } from '../../src/samples.ts'

const status = (status: number, headers: Record<string, string> = {}): HttpError =>
  new HttpError('STATUS', 'no', { response: aResponse('', headers, status) })

describe('worth another try', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 599])('is a %i', code => {
    expect(worthAnotherTry(status(code))).toBe(true)
  })

  it.each([200, 204, 301, 400, 401, 403, 404, 409, 410, 501, 505, 600])('is not a %i', code => {
    expect(worthAnotherTry(status(code))).toBe(false)
  })

  it.each(['CONNECT', 'RESET', 'TIMEOUT', 'CIRCUIT_OPEN', 'RATE_LIMITED'] as const)('is %s', code => {
    expect(worthAnotherTry(new HttpError(code, 'no'))).toBe(true)
  })

  it.each([
    'CONFIG',
    'UNSUPPORTED',
    'STATUS',
    'PROTOCOL',
    'TOO_LARGE',
    'BLOCKED',
    'CLOSED',
    'CANCELLED',
    'TLS',
  ] as const)('is not %s', code => {
    expect(worthAnotherTry(new HttpError(code, 'no'))).toBe(false)
  })

  it('is a body that broke off, and not one that cannot be read', () => {
    const body = (phase: 'body' | 'decode') => new HttpError('BODY' satisfies ErrorCode, 'no', { phase })
    expect(worthAnotherTry(body('body'))).toBe(true)
    expect(worthAnotherTry(body('decode'))).toBe(false)
  })

  it('is not what anybody else threw', () => {
    expect(worthAnotherTry(new TypeError('oops'))).toBe(false)
    expect(worthAnotherTry(undefined)).toBe(false)
  })
})

describe('asked to wait', () => {
  it('is what Retry-After says, in both forms', () => {
    expect(askedToWait(status(503, { 'retry-after': '7' }))).toBe(7_000)
    const date = { date: 'Sat, 21 Nov 2026 12:00:00 GMT', 'retry-after': 'Sat, 21 Nov 2026 12:00:05 GMT' }
    expect(askedToWait(status(429, date))).toBe(5_000)
  })

  it('is what a plugin found too long to wait', () => {
    expect(askedToWait(new HttpError('RATE_LIMITED', 'no', { retryAfterMs: 30 }))).toBe(30)
  })

  it('is nothing for all else', () => {
    expect(askedToWait(status(503))).toBe(0)
    expect(askedToWait(new HttpError('RESET', 'no'))).toBe(0)
    expect(askedToWait(new TypeError('oops'))).toBe(0)
    expect(askedToWait(undefined)).toBe(0)
    expect(status(503).response).toBeInstanceOf(HttpResponse)
  })
})
