import { inspect } from 'node:util'
import { firstValueFrom } from 'rxjs'
import {
  createClient,
  HttpHeaders,
  HttpResponse,
  isHttpError,
  refusedLive,
  type AnyPlugin,
  type HttpError,
  type Problem,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { problem, problemOf } from 'sluice/plugins/problem'
import { lines } from 'sluice/streams/lines'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { aHead } from '../src/samples.ts'

const CREDIT = {
  type: 'https://example.com/probs/out-of-credit',
  title: 'You do not have enough credit.',
  status: 403,
  detail: 'Your current balance is 30, but that costs 50.',
  instance: '/account/12345/msgs/abc',
  balance: 30,
  accounts: ['/account/12345', '/account/67890'],
}
const TYPE = { 'content-type': 'application/problem+json' }

function answer(body: unknown, headers: Record<string, string> = TYPE, status = 403): HttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const url = 'https://api.test/shop/orders?key=s3cret'
  return new HttpResponse({
    head: aHead({ status, headers: HttpHeaders.of(headers), url }),
    bytes: new TextEncoder().encode(text),
  })
}

async function errorOf(work: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isHttpError(error)) return error
  throw new Error('no HttpError', { cause: error })
}

describe('problemOf', () => {
  it('reads the example of the RFC, and resolves what is relative', () => {
    expect({ ...problemOf(answer(CREDIT)) }).toEqual({
      ...CREDIT,
      instance: 'https://api.test/account/12345/msgs/abc',
    })
  })

  it.each<[string, unknown, Partial<Problem>]>([
    ['no members', {}, { type: 'about:blank' }],
    ['a type that is no string', { type: 7 }, { type: 'about:blank' }],
    ['a type that is null', { type: null }, { type: 'about:blank' }],
    ['a type that is no URI at all', { type: 'http://[' }, { type: 'about:blank' }],
    ['a relative type', { type: '../errors/1' }, { type: 'https://api.test/errors/1' }],
    ['an absolute type as it is written', { type: 'HTTPS://Example.com' }, { type: 'HTTPS://Example.com' }],
    ['a type by urn', { type: 'urn:x:y' }, { type: 'urn:x:y' }],
    ['a type by tag', { type: 'tag:x.test,2024:y' }, { type: 'tag:x.test,2024:y' }],
    ['a title that is no string', { title: ['x'] }, { type: 'about:blank' }],
    ['a detail that is an object', { detail: { a: 1 } }, { type: 'about:blank' }],
    ['a status that is text', { status: '403' }, { type: 'about:blank' }],
    ['a status that is no status', { status: 4.5 }, { type: 'about:blank' }],
    ['a status out of range', { status: 1000 }, { type: 'about:blank' }],
    ['an instance that is a number', { instance: 1 }, { type: 'about:blank' }],
    ['extensions of any type', { a: null, b: [1], c: { d: 1 } }, { type: 'about:blank', a: null, b: [1], c: { d: 1 } }],
  ])('with %s', (_, body, expected) => {
    expect({ ...problemOf(answer(body)) }).toEqual(expected)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['a list', '[{"title":"x"}]'],
    ['text', '"x"'],
    ['null', 'null'],
    ['cut off JSON', '{"title":"x'],
    ['deep nesting', '{"a":'.repeat(100_000)],
  ])('is undefined for %s', (_, body) => {
    expect(problemOf(answer(body))).toBeUndefined()
  })

  it.each<[string, boolean]>([
    ['application/problem+json', true],
    ['Application/Problem+JSON; charset=utf-8', true],
    [' application/problem+json ;x=y', true],
    ['application/json', false],
    ['application/problem+xml', false],
    ['application/problem+jsonx', false],
    ['text/plain; a=application/problem+json', false],
  ])('goes by the type: %s', (type, read) => {
    expect(problemOf(answer(CREDIT, { 'content-type': type })) !== undefined).toBe(read)
  })

  it('reads none where there is no type, and one of any status', () => {
    expect(problemOf(answer(CREDIT, {}))).toBeUndefined()
    expect(problemOf(answer(CREDIT, TYPE, 200))?.title).toBe(CREDIT.title)
  })

  it('takes __proto__ for a name like any other, and nothing from a prototype', () => {
    const read = problemOf(answer('{"__proto__":{"title":"evil","admin":true},"constructor":1}'))
    expect(read?.title).toBeUndefined()
    expect(read?.['admin']).toBeUndefined()
    expect(Object.keys(read ?? {}).toSorted()).toEqual(['__proto__', 'constructor', 'type'])
    expect('admin' in {}).toBe(false)
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(problemOf(answer(CREDIT)))).toBe(true)
  })
})

describe('an error', () => {
  const engine = mock({ '*': { status: 403, headers: TYPE, body: JSON.stringify(CREDIT) } })
  const clientOf = (...plugins: readonly AnyPlugin[]) =>
    createClient({ engine, baseUrl: 'https://api.test/', plugins: [...plugins] })

  it.each<[string, readonly AnyPlugin[]]>([
    ['before', [problem(), expectSuccess()]],
    ['behind', [expectSuccess(), problem()]],
  ])('has it when problem stands %s expectSuccess', async (_, plugins) => {
    const error = await errorOf(firstValueFrom(clientOf(...plugins).get('a')))
    expect(error.problem).toMatchObject({ title: CREDIT.title, balance: 30 })
    expect(error.problem?.detail).toBe(CREDIT.detail)
    expect(error).toMatchObject({ code: 'STATUS', response: { status: 403 } })
  })

  it('has none without the plugin, where it is left out, and where the answer describes no problem', async () => {
    expect((await errorOf(firstValueFrom(clientOf(expectSuccess()).get('a')))).problem).toBeUndefined()
    const client = createClient({ engine, plugins: [problem(), expectSuccess()] })
    const error = await errorOf(firstValueFrom(client.get('https://api.test/', { problem: false })))
    expect('problem' in error).toBe(false)
    const plain = createClient({ engine: mock({ '*': 500 }), plugins: [problem(), expectSuccess()] })
    expect('problem' in (await errorOf(firstValueFrom(plain.get('https://api.test/'))))).toBe(false)
  })

  it('keeps it when more becomes known of the error', async () => {
    const error = await errorOf(firstValueFrom(clientOf(problem(), expectSuccess()).get('a')))
    expect(error.with({ attempt: 3 }).problem).toBe(error.problem)
  })

  it('shows nothing of it to those who only show errors', async () => {
    const error = await errorOf(firstValueFrom(clientOf(problem(), expectSuccess()).get('a')))
    for (const shown of [String(error), JSON.stringify(error), inspect(error, { depth: 10 })])
      expect(shown).not.toMatch(/credit|balance|12345/)
  })

  it('reads other types when told so, for a client or a call', async () => {
    const json = mock({ '*': { status: 400, body: { title: 'No', status: 400 } } })
    const client = createClient({ engine: json, plugins: [problem(), expectSuccess()] })
    const types = ['application/problem+json', 'Application/JSON']
    expect((await errorOf(firstValueFrom(client.get('https://api.test/')))).problem).toBeUndefined()
    const error = await errorOf(firstValueFrom(client.get('https://api.test/', { problem: { types } })))
    expect(error.problem?.title).toBe('No')
  })

  it.each([[{ types: 'application/json' }], [{ types: ['json'] }], [{ types: ['a/b; c=d'] }], [{ typ: [] }]])(
    'refuses %o',
    options => {
      expect(() => problem(options as never)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
    },
  )
})

describe('an error of a live answer', () => {
  it.each<[string, readonly AnyPlugin[]]>([
    ['expectSuccess', [problem(), expectSuccess()]],
    ['its reader', [problem()]],
  ])('made by %s has it', async (_, plugins) => {
    const engine = mock({ '*': { status: 403, headers: TYPE, chunks: ['{"title":', '"No"}'] } })
    const client = createClient({ engine, plugins: [...plugins] })
    expect((await errorOf(firstValueFrom(client.stream('https://api.test/', lines())))).problem?.title).toBe('No')
  })

  it('made by a reader of your own has it', async () => {
    const engine = mock({ '*': { status: 403, headers: TYPE, chunks: ['{"title":"No"}'] } })
    const client = createClient({ engine, plugins: [problem()] })
    const call = client.stream('https://api.test/', async response => {
      throw await refusedLive(response)
    })
    expect((await errorOf(firstValueFrom(call))).problem?.title).toBe('No')
  })

  it('has none when it is longer than what is kept of it', async () => {
    const body = JSON.stringify({ title: 'No', padding: 'x'.repeat(70_000) })
    const engine = mock({ '*': { status: 403, headers: TYPE, body } })
    const client = createClient({ engine, plugins: [problem(), expectSuccess()] })
    const error = await errorOf(firstValueFrom(client.stream('https://api.test/', lines())))
    expect([error.code, error.problem]).toEqual(['STATUS', undefined])
  })
})

it.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('reads it off the wire with %s', async (name, engine) => {
  const routes = { 'GET /': reply.json(CREDIT, { status: 403, headers: TYPE }) }
  await using server = await serve(routes, name === 'http2' ? { protocol: 'h2c' } : {})
  await using client = createClient({ engine, baseUrl: server.url, plugins: [problem(), expectSuccess()] })
  const error = await errorOf(firstValueFrom(client.get('')))
  expect(error.problem).toMatchObject({ title: CREDIT.title, accounts: CREDIT.accounts })
  expect(error.problem?.instance).toBe(new URL(CREDIT.instance, server.url).href)
})
