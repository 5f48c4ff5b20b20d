import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { HttpHeaders, Token } from '../../src/index.ts'
import { ATTEMPT, checkMethod, HttpRequest, LIVE } from '../../src/request.ts'
import { aRequest } from './samples.ts'
import { thrown } from './thrown.ts'

describe('HttpRequest', () => {
  it('is changed by making another one', () => {
    const before = aRequest({ headers: HttpHeaders.of({ accept: 'a' }) })
    const after = before.with({ method: 'HEAD' }).header('accept', 'b').withHeaders({ x: '1' }).note(ATTEMPT, 2)
    expect(after).toBeInstanceOf(HttpRequest)
    expect([after.method, after.headers.flat, after.attempt]).toEqual(['HEAD', ['accept', 'b', 'x', '1'], 2])
    expect([before.method, before.headers.flat, before.attempt]).toEqual(['GET', ['accept', 'a'], 1])
  })

  it('keeps every field it is not told to change', () => {
    const body = new Uint8Array(1)
    const request = aRequest({ id: 9, body, options: { retry: false } }).note(LIVE, true)
    expect({ ...request.with({ url: 'https://other.test/' }) }).toEqual({ ...request, url: 'https://other.test/' })
  })

  it('removes a header that is set to undefined', () => {
    expect(aRequest().header('a', '1').header('A', undefined).headers.size).toBe(0)
  })

  it('refuses a header that cannot be sent at once', () => {
    expect(thrown(() => aRequest().header('a', 'b\r\nc: d')).code).toBe('CONFIG')
  })

  it('reads the notes of those further out', () => {
    const COLOUR = new Token('colour', 'grey')
    expect(aRequest().read(COLOUR)).toBe('grey')
    expect(aRequest().note(COLOUR, 'red').note(ATTEMPT, 4).read(COLOUR)).toBe('red')
  })

  it.each([
    ['https://api.test/', 'https://api.test', '/'],
    ['https://api.test/a/b?c=/d', 'https://api.test', '/a/b?c=/d'],
    ['http://[::1]:8080/?x', 'http://[::1]:8080', '/?x'],
  ])('takes %s apart', (url, origin, target) => {
    const request = aRequest({ url })
    expect([request.origin, request.target]).toEqual([origin, target])
    expect(new URL(url).origin).toBe(origin)
  })

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])('%s is idempotent', method => {
    expect(aRequest({ method }).idempotent).toBe(true)
  })

  it.each(['POST', 'PATCH', 'PROPPATCH', 'get'])('%s is not, unless it has an idempotency key', method => {
    expect(aRequest({ method }).idempotent).toBe(false)
    expect(aRequest({ method }).header('Idempotency-Key', 'k1').idempotent).toBe(true)
  })

  it('is replayable without a body, with bytes, and with a source that says so', () => {
    const source = { length: undefined, open: () => ({}) as never }
    expect(aRequest().replayable).toBe(true)
    expect(aRequest({ body: new Uint8Array(1) }).replayable).toBe(true)
    expect(aRequest({ body: { ...source, replayable: true } }).replayable).toBe(true)
    expect(aRequest({ body: { ...source, replayable: false } }).replayable).toBe(false)
  })

  it('shows neither body nor secrets', () => {
    const request = aRequest({
      url: 'https://api.test/?token=abc',
      headers: HttpHeaders.of({ Authorization: 'Bearer x', accept: 'a' }),
      body: new TextEncoder().encode('hidden'),
    })
    const shown = {
      id: 1,
      method: 'GET',
      url: 'https://api.test/?token=<redacted:3>',
      headers: { authorization: '<redacted:8>', accept: 'a' },
    }
    expect(JSON.parse(JSON.stringify(request))).toEqual(shown)
    expect(inspect(request, { depth: 10 })).toContain("authorization: '<redacted:8>'")
    expect(inspect(request, { depth: 10 })).not.toMatch(/hidden|abc|Bearer/)
  })
})

describe('a method', () => {
  it.each(['get', 'Get', 'post', 'pUt', 'delete', 'options', 'patch', 'query', 'head', 'trace'])(
    '%s is written in capitals',
    method => {
      expect(checkMethod(method)).toBe(method.toUpperCase())
    },
  )

  it.each(['PROPFIND', 'propfind', 'M-SEARCH', 'x', "!#$%&'*+-.^_`|~"])('%s stays as it is', method => {
    expect(checkMethod(method)).toBe(method)
  })

  it.each([
    [''],
    ['GET '],
    [' GET'],
    ['GE T'],
    ['GET\r\nX: y'],
    ['GET\n'],
    ['GET\0'],
    ['GÉT'],
    ['嘍嘊'],
    ['\ud800'],
    ['GET / HTTP/1.1'],
    ['CONNECT'],
    ['connect'],
    [undefined],
    [null],
    [7],
    [10n],
    [Symbol('GET')],
    [['GET']],
    [Object('GET')],
    [{ toString: () => 'GET' }],
    [() => 'GET'],
  ])('may not be %o', method => {
    const error = thrown(() => checkMethod(method as string))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toMatch(
      /^.+ is not a method a client can send; use a token such as GET, POST or PROPFIND \(RFC 9110 §9\.1\)\.$/,
    )
  })
})
