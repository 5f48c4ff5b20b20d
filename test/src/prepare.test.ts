import { describe, expect, it } from 'vitest'
import { NO_PLUGIN_OPTIONS, prepareRequest, type Prepared, type Said } from '../../src/prepare.ts'
import { parseBase } from '../../src/url.ts'
import { thrown } from './thrown.ts'

// What cannot be sent is in the tests of url, headers, body and execute.

const base = parseBase('https://ada:pw@api.test/v1/', true)
const prepare = (said: Partial<Said> = {}): Prepared =>
  prepareRequest({ method: 'GET', url: 'users', body: undefined, options: undefined, ...said }, 7, base)

describe('preparing a request', () => {
  it('makes it of what was said', () => {
    const { request } = prepare({
      method: 'post',
      url: 'users/{id}',
      body: { name: 'Ada' },
      options: { params: { id: 1 }, query: { full: true }, headers: { accept: 'a' } },
    })
    expect(request).toMatchObject({ id: 7, method: 'POST', url: 'https://api.test/v1/users/1?full=true' })
    expect(request.headers.flat).toEqual([
      'accept',
      'a',
      'authorization',
      'Basic YWRhOnB3',
      'content-type',
      'application/json',
    ])
    expect(new TextDecoder().decode(request.body as Uint8Array)).toBe('{"name":"Ada"}')
    expect(request.options).toBe(NO_PLUGIN_OPTIONS)
  })

  it('keeps the media type and the credentials the user gives', () => {
    const { request } = prepare({
      body: 'x',
      options: { headers: { 'Content-Type': 'text/csv', Authorization: 'Bearer t' } },
    })
    expect(request.headers.flat).toEqual(['Content-Type', 'text/csv', 'Authorization', 'Bearer t'])
  })

  it('takes method and body from the options where nothing else says them', () => {
    const { request } = prepare({ method: undefined, options: { method: 'put', body: 'x' } })
    expect(request.method).toBe('PUT')
    expect(request.body).toEqual(new TextEncoder().encode('x'))
    expect(prepare({ method: undefined }).request.method).toBe('GET')
    expect(prepare({ body: null, options: { body: 'x' } }).request.body).toBeDefined()
  })

  it('hands on the options, each read once, without a prototype', () => {
    let reads = 0
    const { options } = prepare({
      options: {
        get retry() {
          return { times: ++reads }
        },
      },
    })
    expect(Object.getPrototypeOf(options)).toBeNull()
    expect([{ ...options }, reads]).toEqual([{ retry: { times: 1 } }, 1])
  })

  it('makes no body for a call that is wrong otherwise', () => {
    let made = 0
    const body = (): string => `body ${++made}`
    thrown(() => prepare({ body, url: '//evil.test/' }))
    thrown(() => prepare({ body, method: 'G T' }))
    thrown(() => prepare({ body, options: { headers: { a: 'b\n' } } }))
    expect(made).toBe(0)
  })
})
