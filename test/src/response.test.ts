import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { HttpHeaders, HttpResponse, type Schema, type SchemaResult } from '../../src/index.ts'
import { aHead, aRequest, aResponse } from './samples.ts'
import { thrown } from './thrown.ts'

const bytes = (...codes: number[]): Uint8Array => Uint8Array.from(codes)

describe('HttpResponse', () => {
  it('has the parts of its head', () => {
    const request = aRequest({ id: 5 })
    const head = aHead({
      status: 404,
      statusText: 'Not Found',
      headers: HttpHeaders.of({ etag: '"1"' }),
      httpVersion: '2',
      url: 'https://other.test/',
      request,
      timings: { startedAt: 5 },
    })
    const response = new HttpResponse({ head, bytes: new Uint8Array(0) })
    expect(response).toMatchObject({
      status: 404,
      statusText: 'Not Found',
      httpVersion: '2',
      url: 'https://other.test/',
    })
    expect(response.headers.get('ETag')).toBe('"1"')
    expect(response.request).toBe(request)
    expect(response.timings).toEqual({ startedAt: 5 })
    expect(response.trailers).toBe(HttpHeaders.none)
    expect(response.connection).toBeUndefined()
  })

  it.each([
    [199, false],
    [200, true],
    [299, true],
    [300, false],
    [404, false],
  ])('%i is ok: %o', (status, ok) => {
    expect(aResponse('', {}, status).ok).toBe(ok)
  })

  it('is changed by making another one', () => {
    const before = aResponse('a')
    const after = before.with({ bytes: bytes(98) })
    expect([before.text(), after.text()]).toEqual(['a', 'b'])
    expect(after.head).toBe(before.head)
    expect(before.with({ head: aHead({ status: 201 }) }).status).toBe(201)
  })

  it('shows what a log may have, and only measures the body', () => {
    const response = aResponse('hidden', { 'set-cookie': 'a=b', etag: '1' })
    expect(JSON.parse(JSON.stringify(response))).toEqual({
      status: 200,
      statusText: 'OK',
      url: 'https://api.test/users',
      headers: { 'set-cookie': '<redacted:3>', etag: '1' },
      httpVersion: '1.1',
      bytes: 6,
      timings: { startedAt: 0 },
    })
    expect(inspect(response, { depth: 10 })).not.toMatch(/hidden|a=b/)
  })
})

describe('text', () => {
  it('is UTF-8 unless the server says otherwise, again and again', () => {
    const response = aResponse('grün €')
    expect([response.text(), response.text()]).toEqual(['grün €', 'grün €'])
  })

  it.each([
    ['text/plain;charset=iso-8859-1', bytes(0xe4), 'ä'],
    ['text/plain; CHARSET="windows-1251"', bytes(0xc4), 'Д'],
    ['text/plain; charset = utf-16le', bytes(0x61, 0), 'a'],
    ['text/plain; charset=utf-8', bytes(0xc3, 0xa4), 'ä'],
    ['text/plain; charset=UTF8', bytes(0xc3, 0xa4), 'ä'],
    ['text/plain; format=flowed; charset=shift_jis; x=y', bytes(0x83, 0x65), 'テ'],
    ['text/plain; xcharset=utf-16le', bytes(0x61), 'a'],
    ['text/plain', bytes(0xef, 0xbb, 0xbf, 0x61), 'a'],
    ['text/plain', bytes(0xff), '\u{fffd}'],
  ])('by %s', (type, body, expected) => {
    expect(aResponse(body, { 'content-type': type }).text()).toBe(expected)
  })

  it('fails with BODY for a charset nobody knows', () => {
    const error = thrown(() => aResponse('a', { 'content-type': 'text/plain; charset=klingon' }).text())
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode', request: { id: 1 } })
    expect(error.message).toBe(
      'The answer 200 to GET https://api.test/users has the charset "klingon", which this platform cannot decode.',
    )
    expect(error.response?.status).toBe(200)
  })

  it('reads a hostile content type in linear time', () => {
    const start = performance.now()
    aResponse('a', { 'content-type': `text/plain${'; charset '.repeat(20_000)}` }).text()
    aResponse('a', { 'content-type': `text/plain;${' '.repeat(200_000)}charset` }).text()
    expect(performance.now() - start).toBeLessThan(1_500)
  })
})

describe('json', () => {
  it('is parsed anew each time, so that nobody changes it for others', () => {
    const response = aResponse('{"a":[1]}')
    const first = response.json<{ a: number[] }>()
    first.a.push(2)
    expect(response.json()).toEqual({ a: [1] })
  })

  it.each(['null', 'false', '0', '""', '\u{feff}{}', ' [] '])('may be %j', text => {
    expect(() => aResponse(text).json()).not.toThrow()
  })

  it('keeps __proto__ as a plain key', () => {
    const value = aResponse('{"__proto__":{"polluted":true}}').json<object>()
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect('polluted' in {}).toBe(false)
  })

  it.each([
    ['', {}, 'has no body to read as JSON'],
    ['<html>s3cret</html>', { 'content-type': 'text/html' }, 'is no valid JSON (content-type text/html)'],
    ['{"token":"s3cret"', {}, 'is no valid JSON (content-type missing)'],
    ['['.repeat(200_000), {}, 'is no valid JSON (content-type missing)'],
  ])('fails with BODY and does not quote the body', (text, headers, why) => {
    const error = thrown(() => aResponse(text, headers).json())
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(error.message).toBe(`The answer 200 to GET https://api.test/users ${why}.`)
    expect(inspect(error, { depth: 10 })).not.toContain('s3cret')
  })
})

describe('json with a schema', () => {
  interface User {
    readonly name: string
  }
  const schema = (validate: (value: unknown) => SchemaResult<User> | Promise<SchemaResult<User>>): Schema<User> => ({
    '~standard': { version: 1, vendor: 'tests', validate },
  })

  it('is what the schema makes of it', () => {
    const upper = schema(value => ({ value: { name: (value as User).name.toUpperCase() } }))
    expect(aResponse('{"name":"ada"}').json(upper).name).toBe('ADA')
  })

  it('fails with BODY and the issues, naming the place of the first one and not what it quotes', () => {
    const issues = [
      { message: 'must be a string (was 1234)', path: ['users', 0, { key: 'name' }] },
      { message: 'And more', path: [] },
    ]
    const error = thrown(() => aResponse('{}').json(schema(() => ({ issues }))))
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode', issues })
    expect(error.message).toBe('The answer to GET https://api.test/users does not match its schema at users.0.name.')
    expect(error.response?.status).toBe(200)
  })

  it.each<[string, () => Promise<SchemaResult<User>>]>([
    ['resolves', () => Promise.resolve({ value: { name: 'a' } })],
    ['rejects', () => Promise.reject(new Error('nobody may hear this'))],
    ['is of another realm', () => ({ then: () => undefined }) as unknown as Promise<SchemaResult<User>>],
  ])('refuses one that answers with a promise, also when that %s', (_, promise) => {
    const error = thrown(() => aResponse('{}').json(schema(promise)))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toBe(
      'The schema of tests is asynchronous; give it to the plugin validate, which waits for it, or use it on response.json() by itself.',
    )
  })

  it('lets through what a schema throws', () => {
    const failing = schema(() => {
      throw new RangeError('schema is broken')
    })
    expect(() => aResponse('{}').json(failing)).toThrow(RangeError)
  })

  it.each([[undefined], [null], [7]])('refuses one that answers %o', nothing => {
    const error = thrown(() => aResponse('{}').json(schema(() => nothing as never)))
    expect([error.code, error.message]).toEqual([
      'CONFIG',
      expect.stringMatching(/^The schema of tests answered neither/),
    ])
  })
})
