import { inspect } from 'node:util'
import ts from 'typescript'
import { describe, expect, it, vi } from 'vitest'
import { describe as name, HttpError, isHttpError, summarise } from '../../src/errors.ts'
import { HttpHeaders, HttpResponse } from '../../src/index.ts'
import { filesIn } from '../house/files.ts'
import { aHead, aRequest } from './samples.ts'

describe('HttpError', () => {
  it('is an Error with a name, a code and a sentence', () => {
    const error = new HttpError('DNS', 'api.test has no address.')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('HttpError')
    expect(error.code).toBe('DNS')
    expect(error.message).toBe('api.test has no address.')
    expect(String(error)).toBe('HttpError: api.test has no address.')
    expect(error.stack).toMatch(/^HttpError: api\.test has no address\.\n {4}at /)
  })

  it('has only the details that are known', () => {
    const error = new HttpError('RESET', 'The peer left.', { phase: 'headers', attempt: undefined, cause: undefined })
    expect(Object.keys(error).toSorted()).toEqual(['code', 'name', 'phase'])
    expect('cause' in error).toBe(false)
    expect('attempt' in error).toBe(false)
  })

  it('carries everything it is told', () => {
    const cause = new Error('ECONNRESET')
    const issues = [{ message: 'bad' }]
    const error = new HttpError('RESET', 'The peer left.', {
      phase: 'body',
      request: aRequest({ id: 7 }),
      attempt: 2,
      cause,
      requestWritten: 'yes',
      reusedConnection: true,
      h2Code: 8,
      retryAfterMs: 1_000,
      budgetExhausted: true,
      issues,
    })
    expect(error).toMatchObject({
      phase: 'body',
      request: { id: 7, method: 'GET', url: 'https://api.test/users' },
      attempt: 2,
      requestWritten: 'yes',
      reusedConnection: true,
      h2Code: 8,
      retryAfterMs: 1_000,
      budgetExhausted: true,
      issues,
    })
    expect(error.cause).toBe(cause)
  })

  it('keeps a summary of the request, not the request with its headers and body', () => {
    const error = new HttpError('RESET', 'The peer left.', { request: aRequest({ body: new Uint8Array(3) }) })
    expect(Object.keys(error.request ?? {})).toEqual(['id', 'method', 'url'])
  })

  it('is for JSON what a log needs', () => {
    const response = new HttpResponse({ head: aHead({ status: 503 }), bytes: new Uint8Array(0) })
    const error = new HttpError('STATUS', 'The server said 503.', { response, request: aRequest(), attempt: 3 })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'HttpError',
      code: 'STATUS',
      message: 'The server said 503.',
      request: { id: 1, method: 'GET', url: 'https://api.test/users' },
      attempt: 3,
      status: 503,
    })
  })
})

describe('with', () => {
  const original = new HttpError('RESET', 'The peer left.', { phase: 'body', cause: new Error('x'), attempt: 1 })

  it('makes the same error with more known about it', () => {
    const more = original.with({ attempt: 2, request: aRequest() })
    expect(more).not.toBe(original)
    expect(more).toBeInstanceOf(HttpError)
    expect(more).toMatchObject({
      code: 'RESET',
      message: 'The peer left.',
      phase: 'body',
      attempt: 2,
      request: { id: 1 },
    })
    expect(more.cause).toBe(original.cause)
    expect(isHttpError(more)).toBe(true)
    expect(original.attempt).toBe(1)
  })

  it('keeps the stack of where it began', () => {
    expect(original.with({ attempt: 2 }).stack).toBe(original.stack)
    expect(Object.keys(original.with({ attempt: 2 }))).not.toContain('stack')
  })

  it('keeps how the peer of a WebSocket said goodbye', () => {
    const close = { code: 1013, reason: 'try again later' }
    expect(original.with({ close }).with({ attempt: 2 }).close).toEqual(close)
    expect(Object.keys(original)).not.toContain('close')
  })

  it('may name another cause', () => {
    expect(original.with({ cause: 'other' }).cause).toBe('other')
  })
})

describe('isHttpError', () => {
  it('knows an error of a second copy of the package', async () => {
    vi.resetModules()
    const copy = await import('../../src/errors.ts')
    const foreign = new copy.HttpError('DNS', 'x.')
    expect(foreign).not.toBeInstanceOf(HttpError)
    expect(isHttpError(foreign)).toBe(true)
    expect(copy.isHttpError(new HttpError('DNS', 'x.'))).toBe(true)
  })

  it.each([[undefined], [null], ['HttpError'], [7], [new Error('x')], [{ name: 'HttpError', code: 'DNS' }], [() => 1]])(
    'says no to %o',
    value => {
      expect(isHttpError(value)).toBe(false)
    },
  )
})

describe('describe', () => {
  it('names a request, and the attempt from the second on', () => {
    expect(name(aRequest())).toBe('GET https://api.test/users')
    expect(name(aRequest(), 1)).toBe('GET https://api.test/users')
    expect(name(aRequest(), 2)).toBe('attempt 2 of GET https://api.test/users')
  })
})

describe('summarise', () => {
  it('keeps id, method and the url without secrets', () => {
    expect(summarise(aRequest({ id: 3, url: 'https://api.test/?token=abc' }))).toEqual({
      id: 3,
      method: 'GET',
      url: 'https://api.test/?token=<redacted:3>',
    })
  })
})

describe('secrets', () => {
  const mark = 's3cret'
  const planted = HttpHeaders.of({
    Authorization: `Bearer ${mark}`,
    'Proxy-Authorization': `Basic ${mark}`,
    Cookie: `sid=${mark}`,
    'X-Api-Key': mark,
    'X-Auth-Token': mark,
    'X-Session-Id': mark,
  })
  const received = HttpHeaders.of({
    'Set-Cookie': `sid=${mark}`,
    'WWW-Authenticate': `Digest nonce=${mark}`,
    Location: `https://ada:${mark}@api.test/cb?code=${mark}#${mark}`,
  })
  const request = aRequest({
    url: `https://api.test/login?password=${mark}&next=${mark}`,
    headers: planted,
    body: new TextEncoder().encode(mark),
    options: { bearer: { token: mark } },
  })
  const head = aHead({ request, headers: received, url: `https://api.test/login?password=${mark}` })
  const response = new HttpResponse({ head, bytes: new TextEncoder().encode(`{"token":"${mark}"`) })
  const attempt = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return error
    }
  }

  it.each<[string, unknown]>([
    [
      'an error with a request and an answer',
      new HttpError('STATUS', `${name(request)} failed.`, { request, response }),
    ],
    [
      'an error within an error',
      new HttpError('RESET', 'x.', { cause: new HttpError('BODY', 'y.', { request, response }) }),
    ],
    [
      'an error with what a schema said, which may quote the value',
      new HttpError('BODY', 'z.', { request, issues: [{ message: `received "${mark}"` }] }).with({ attempt: 2 }),
    ],
    ['an error known better', new HttpError('RESET', 'x.').with({ request, response })],
    ['a body that is no JSON', attempt(() => response.json())],
    ['a request', request],
    ['an answer', response],
    ['a list of them', { list: [[{ request, response }]] }],
  ])('are in no message, stack, JSON or console.log of %s', (_, value) => {
    const texts = [
      JSON.stringify(value),
      inspect(value, { depth: 10, showHidden: true, maxStringLength: Infinity }),
      value instanceof Error ? `${value.message}${value.stack ?? ''}` : '',
    ]
    for (const text of texts) expect(text).not.toMatch(/s3cret|czNjcmV0/)
  })
})

describe('messages', () => {
  /** The texts our sources put into errors, with `…` for what is filled in. */
  function messages(): string[] {
    const found: string[] = []
    for (const { path, text } of filesIn('src', '.ts')) {
      const visit = (node: ts.Node): void => {
        const args = ts.isNewExpression(node) || ts.isCallExpression(node) ? (node.arguments ?? []) : []
        const maker = ts.isNewExpression(node) || ts.isCallExpression(node) ? node.expression.getText(source) : ''
        const message = maker === 'HttpError' ? args[1] : maker === 'config' ? args[0] : undefined
        if (message && ts.isStringLiteralLike(message)) found.push(`${path}: ${message.text}`)
        if (message && ts.isTemplateExpression(message)) {
          const rest = message.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
          found.push(`${path}: ${message.head.text}${rest}`)
        }
        ts.forEachChild(node, visit)
      }
      const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
      visit(source)
    }
    return found
  }

  it('are whole sentences', () => {
    const all = messages()
    expect(all.length).toBeGreaterThan(40)
    // A sentence begins with a capital, a name in code or a request, and ends with a full stop or with what would work.
    expect(
      all.filter(line => !/^[\w/-]+\.ts: (?:[A-Z…]|[a-z]+(?:[A-Z([]| of ))/.test(line) || !/(?:\.|…|…\/)$/.test(line)),
    ).toEqual([])
  })
})
