import { describe, expect, it } from 'vitest'
import { frame } from '../../src/framing.ts'
import { HttpHeaders, type HeadersInit, type RequestBody, type UploadSource } from '../../src/index.ts'
import { aRequest } from './samples.ts'
import { reason, thrown } from './thrown.ts'

const source = (length: number | undefined, ...chunks: string[]): UploadSource => ({
  length,
  replayable: false,
  open() {
    const left = [...chunks]
    return {
      next: () => {
        const text = left.shift()
        return Promise.resolve(
          text === undefined
            ? { done: true, value: undefined }
            : { done: false, value: new TextEncoder().encode(text) },
        )
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
    }
  },
})
const framed = (method: string, body: RequestBody, headers: HeadersInit = {}): string | undefined =>
  frame(aRequest({ method, body, headers: HttpHeaders.of(headers) })).headers.get('content-length')

describe('the length of a request', () => {
  it.each<[string, RequestBody, string | undefined]>([
    ['GET', undefined, undefined],
    ['HEAD', undefined, undefined],
    ['DELETE', undefined, undefined],
    ['OPTIONS', undefined, undefined],
    ['POST', undefined, '0'],
    ['PUT', undefined, '0'],
    ['PATCH', undefined, '0'],
    ['GET', new Uint8Array(0), '0'],
    ['POST', new Uint8Array(3), '3'],
    ['DELETE', new Uint8Array(3), '3'],
    ['POST', source(3, 'abc'), '3'],
    ['POST', source(undefined, 'abc'), undefined],
  ])('%s with %o is announced as %s', (method, body, length) => {
    expect(framed(method, body)).toBe(length)
  })

  it.each<[RequestBody, string]>([
    [new Uint8Array(3), '3'],
    [source(3, 'abc'), '3'],
    [source(undefined, 'abc'), '3'],
    [undefined, '0'],
  ])('may be given by the user when it is right: %o', (body, length) => {
    expect(framed('POST', body, { 'Content-Length': length })).toBe(length)
    expect(framed('GET', body, { 'Content-Length': Number(length) })).toBe(length)
  })

  it.each<[RequestBody, string]>([
    [new Uint8Array(3), '2'],
    [new Uint8Array(3), '4'],
    [source(3, 'abc'), '4'],
    [undefined, '1'],
  ])('may not be given by the user when it is wrong: %o, %s', (body, length) => {
    const error = thrown(() => framed('POST', body, { 'Content-Length': length }))
    expect(error).toMatchObject({ code: 'CONFIG', requestWritten: 'no', request: { id: 1 } })
    expect(error.message).toMatch(/ announces content-length \d+ but its body has \d+ bytes; leave the header out\.$/)
  })

  it.each(['', ' ', '-1', '+3', '3.0', '3e0', '0x3', '03', '3,3', '3, 3', 'abc', '9'.repeat(16), 'Infinity'])(
    'may not be %j',
    length => {
      const error = thrown(() => framed('POST', new Uint8Array(3), { 'Content-Length': length }))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(/ has the header content-length "[^"]*"; leave it out, it is set from the body\.$/)
    },
  )

  it('may not be given twice, not even when both are right', () => {
    for (const headers of [
      { 'content-length': ['3', '3'] },
      [
        ['Content-Length', '3'],
        ['content-length', '3'],
      ] as const,
    ])
      expect(thrown(() => framed('POST', new Uint8Array(3), headers)).message).toContain('content-length twice')
  })
})

describe('headers that are ours', () => {
  it.each([
    'Transfer-Encoding',
    'TRANSFER-ENCODING',
    'Upgrade',
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Expect',
    'Host',
    'HTTP2-Settings',
  ])('%s is refused, with the reason', name => {
    for (const request of [
      aRequest({ headers: HttpHeaders.of({ [name]: 'x' }) }),
      aRequest().header(name, 'x'),
      aRequest({ headers: HttpHeaders.received([name, 'x']) }),
    ]) {
      const error = thrown(() => frame(request))
      expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', requestWritten: 'no' })
      expect(error.message).toMatch(
        new RegExp(`^GET https://api\\.test/users may not carry the header "${name.toLowerCase()}": [^.]+\\.$`),
      )
    }
  })

  it('others pass untouched, in order and case', () => {
    const request = aRequest({ headers: HttpHeaders.of({ 'X-B': '1', Accept: 'a', 'x-a': '2' }) })
    expect(frame(request)).toBe(request)
  })
})

describe('what plugins made of a request', () => {
  it.each([
    ['a line end in the method', { method: 'GET / HTTP/1.1\r\nX: y' }],
    ['a method of a proxy', { method: 'CONNECT' }],
    ['an empty method', { method: '' }],
    ['a method that is no text', { method: 7 as unknown as string }],
    ['a relative url', { url: '/users' }],
    ['another scheme', { url: 'ftp://api.test/' }],
    ['a scheme in capitals', { url: 'HTTPS://api.test/' }],
    ['no path', { url: 'https://api.test' }],
    ['no host', { url: 'https:///users' }],
    ['a user', { url: 'https://ada:pw@api.test/' }],
    ['a fragment', { url: 'https://api.test/#a' }],
    ['a space', { url: 'https://api.test/a b' }],
    ['a line end', { url: 'https://api.test/\r\nX: y' }],
    ['a line end in the host', { url: 'https://api.test\r\n/' }],
    ['a backslash in the host', { url: 'https://evil.test\\@api.test/' }],
    ['what is not encoded', { url: 'https://api.test/ä' }],
    ['a url that is no text', { url: null as unknown as string }],
    ['a header that was received', { headers: HttpHeaders.received(['a', 'b\r\nc: d']) }],
    ['a body that is not prepared', { body: 'text' as unknown as RequestBody }],
    ['a body that is an object', { body: { a: 1 } as unknown as RequestBody }],
  ])('is refused before it is sent: %s', (_, change) => {
    const error = thrown(() => frame(aRequest().with(change)))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).not.toContain('pw')
  })

  it.each([
    'https://api.test/users?a=b&c=%20#'.slice(0, -1),
    'http://[::1]:8080/',
    'http://127.0.0.1/!$&\'()*+,;=:@-._~|^[]"',
    'https://xn--4ca0b.test/%C3%A4',
    'http://a_b.test/',
  ])('is sent: %s', url => {
    expect(frame(aRequest({ url })).url).toBe(url)
  })

  it('is normalised as a user would have it', () => {
    expect(frame(aRequest({ method: 'post' })).method).toBe('POST')
  })
})

describe('the source of a body', () => {
  it('that is spent is refused before the engine sees the request', () => {
    const spent = { ...source(undefined), spent: true }
    const error = thrown(() => frame(aRequest({ method: 'POST', body: spent })))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'no', request: { id: 1 }, attempt: 1 })
  })

  it('is held to the length that was announced, by it or by the user', async () => {
    for (const [body, headers] of [
      [source(4, 'abc'), {}],
      [source(undefined, 'abc'), { 'content-length': 4 }],
    ] as const) {
      const { body: guarded } = frame(aRequest({ method: 'POST', body, headers: HttpHeaders.of(headers) }))
      const iterator = (guarded as UploadSource).open()
      await iterator.next()
      expect(await reason(iterator.next())).toMatchObject({ code: 'BODY', phase: 'send' })
    }
  })
})
