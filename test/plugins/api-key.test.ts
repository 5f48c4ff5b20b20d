import { BehaviorSubject, EMPTY, firstValueFrom, NEVER, of, Subject, throwError, timer, map } from 'rxjs'
import { createClient, definePlugin, IDENTITY, isHttpError, type AnyPlugin, type Client, type HttpError } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { apiKey, type ApiKeyOptions } from 'sluice/plugins/api-key'
import { cache, memoryCache, type CacheMeta, type CacheStore } from 'sluice/plugins/cache'
import { logging } from 'sluice/plugins/logging'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { reply, serve } from 'sluice/testing'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const A = 'https://a.test/'

type Options = Partial<ApiKeyOptions>

function open(engine: MockEngine, options: Options, ...outer: readonly AnyPlugin[]): Client {
  return createClient({ engine, baseUrl: A, plugins: [...outer, apiKey(options)], confine: false })
}

/** Runs one call to its end: its status, or its error. */
function run(client: Client, url = 'x', options: object = {}): number | HttpError | Error {
  let seen: number | Error = new Error('nothing came')
  virtually(({ flush }) => {
    client.get(url, options).subscribe({
      next: ({ status }) => (seen = status),
      error: (error: unknown) => (seen = error as Error),
    })
    flush()
  })
  return seen
}

const keys = (api: MockEngine, name = 'x-api-key') => api.history.map(({ request }) => request.headers.get(name))

describe('the key', () => {
  it.each<[string, Options, string, string]>([
    ['stands in x-api-key', { key: 'k' }, 'x-api-key', 'k'],
    ['stands in another header', { key: 'k', header: 'X-Partner' }, 'x-partner', 'k'],
    [
      'may have something before it',
      { key: 'k', header: 'authorization', prefix: 'ApiKey ' },
      'authorization',
      'ApiKey k',
    ],
    ['may be asked for', { key: () => 'k' }, 'x-api-key', 'k'],
    ['may come later', { key: timer(10).pipe(map(() => 'k')) }, 'x-api-key', 'k'],
    ['may be asked for and come later', { key: () => timer(10).pipe(map(() => 'k')) }, 'x-api-key', 'k'],
  ])('%s', (_, options, header, value) => {
    const api = mock(() => 200)
    expect(run(open(api, options))).toBe(200)
    expect(keys(api, header)).toEqual([value])
  })

  it('may be promised', async () => {
    const api = mock(() => 200)
    await firstValueFrom(open(api, { key: Promise.resolve('k') }).get('x'))
    expect(keys(api)).toEqual(['k'])
  })

  it.each([
    ['x', `${A}x?api_key=a+%26b`],
    ['x?', `${A}x?api_key=a+%26b`],
    ['x?a=1', `${A}x?a=1&api_key=a+%26b`],
    ['x?api_key=mine', `${A}x?api_key=mine`],
    ['x?other_api_key=1', `${A}x?other_api_key=1&api_key=a+%26b`],
  ])('stands in the query of %s', (url, sent) => {
    const api = mock(() => 200)
    run(open(api, { key: 'a &b', query: 'api_key' }), url)
    expect(api.history.map(({ request }) => request.url)).toEqual([sent])
    expect(keys(api)).toEqual([undefined])
  })

  it('is the latest of an Observable, heard until the client ends', async () => {
    const given = new BehaviorSubject('k1')
    const api = mock(() => 200)
    const client = open(api, { key: given })
    expect(given.observed).toBe(false)
    run(client)
    given.next('k2')
    run(client)
    expect(keys(api)).toEqual(['k1', 'k2'])
    expect(given.observed).toBe(true)
    await client.close()
    expect(given.observed).toBe(false)
  })

  it('is asked for with every attempt', () => {
    let asked = 0
    const api = mock(() => 503)
    run(open(api, { key: () => `k${++asked}` }, retry({ times: 1 })))
    expect(keys(api)).toEqual(['k1', 'k2'])
  })

  it.each([undefined, null])('that is %s lets the request go without', key => {
    const api = mock(() => 200)
    expect(run(open(api, { key: () => key }))).toBe(200)
    expect(keys(api)).toEqual([undefined])
  })

  it('that fails is the error of the call, and is asked for again', () => {
    let asked = 0
    const client = open(
      mock(() => 200),
      { key: () => (asked++ === 0 ? throwError(() => new Error('locked')) : of('k')) },
    )
    expect(run(client)).toMatchObject({ message: 'locked' })
    expect(run(client)).toBe(200)
  })

  it('that never comes is a TIMEOUT', () => {
    expect(run(open(mock(), { key: NEVER, timeout: 100 }))).toMatchObject({
      code: 'TIMEOUT',
      phase: 'queue',
      requestWritten: 'no',
    })
    const waiting = new Subject<string>()
    const api = mock(() => 200)
    open(api, { key: waiting, timeout: false }).get('x').subscribe()
    waiting.next('k')
    expect(keys(api)).toEqual(['k'])
  })

  it('may be asked for through the same client', () => {
    const api = mock(() => 200).on('GET /key', { body: 'k' })
    const client: Client = open(api, { key: () => client.get('key').pipe(map(answer => answer.text())) })
    expect(run(client)).toBe(200)
    expect(keys(api)).toEqual([undefined, 'k'])
  })

  it.each<[string, Options]>([
    ['has a space', { key: () => 'a s3cret' }],
    ['has a line break', { key: () => 's3cret\r\nx: y' }],
    ['is empty', { key: () => '' }],
    ['ends without a value', { key: () => EMPTY }],
    ['is no text', { key: () => 7 as unknown as string }],
    ['is empty in a query', { key: () => '', query: 'q' }],
    ['has half a character in a query', { key: () => 's3cret\ud800', query: 'q' }],
    ['has two places', { key: 's3cret', query: 'q', header: 'x' }],
    ['has something before it in a query', { key: 's3cret', query: 'q', prefix: 'x' }],
  ])('that %s is CONFIG and never shown', (_, options) => {
    const error = run(open(mock(), options))
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(inspect(error)).not.toContain('s3cret')
  })

  it('set by the caller is left alone', () => {
    const api = mock(() => 200)
    run(open(api, { key: 'k' }), 'x', { headers: { 'X-API-Key': 'mine' } })
    expect(keys(api)).toEqual(['mine'])
  })

  it('is left out of a call, or another one', () => {
    const api = mock(() => 200)
    const client = open(api, { key: 'k' })
    run(client, 'x', { apiKey: false })
    run(client, 'x', { apiKey: { key: 'k2' } })
    expect(keys(api)).toEqual([undefined, 'k2'])
  })
})

describe('at home', () => {
  it('it needs to be told where that is', () => {
    const client = createClient({ engine: mock(), plugins: [apiKey({ key: 'k' })] })
    expect(run(client, A)).toMatchObject({ code: 'CONFIG' })
  })

  it.each([undefined, 'api_key'])('it stays, also over redirects there and back (query: %s)', query => {
    const to = (location: string) => ({ status: 302, headers: { location } })
    const api = mock(() => 200).enqueue(to('https://b.test/'), to(`${A}home`))
    run(open(api, { key: 's3cret', query }, redirect()))
    const carried = api.history.map(({ request }) => /s3cret/.test(`${request.url} ${request.headers.flat.join()}`))
    expect(carried).toEqual([true, false, false])
  })

  it('may be several places', () => {
    const api = mock(() => 200)
    const client = open(api, { key: 'k', origins: ['https://b.test', 'https://c.test'] })
    for (const url of ['x', 'https://b.test/', 'https://c.test/y']) run(client, url)
    expect(keys(api)).toEqual([undefined, 'k', 'k'])
  })
})

describe('it is never shown', () => {
  it.each<[string, Options]>([
    ['in a header', { header: 'x-partner' }],
    ['in the query', { query: 'partner' }],
  ])('%s', (_, options) => {
    const lines: string[] = []
    const api = mock(() => 200).enqueue('RESET', 200)
    const log = logging({ level: 'body', log: (line, record) => lines.push(line, JSON.stringify(record)) })
    const client = open(api, { key: 's3cret', ...options }, log)
    const error = run(client)
    expect(isHttpError(error)).toBe(true)
    expect(run(client)).toBe(200)
    const shown = [lines.join(), inspect(error, { depth: 9 }), inspect(api.history.map(({ request }) => request))]
    expect(lines.length).toBeGreaterThan(2)
    for (const text of shown) expect(text).not.toContain('s3cret')
  })
})

it('tells in whose name a request goes, without the key, beside others who do', () => {
  const seen: (string | undefined)[] = []
  const look = definePlugin({
    name: 'look',
    scope: 'attempt',
    defaults: {},
    install: () => (request, next) => (seen.push(request.read(IDENTITY)), next(request)),
  })
  const outer = definePlugin({
    name: 'outer',
    scope: 'steer',
    defaults: {},
    install: () => (request, next) => next(request.note(IDENTITY, 'ada')),
  })
  const plugins = [apiKey({ key: 'one' }), look()]
  const client = createClient({ engine: mock(() => 200), baseUrl: A, plugins })
  for (const key of ['one', 'two', 'one']) run(client, 'x', { apiKey: { key } })
  run(createClient({ engine: mock(() => 200), baseUrl: A, plugins: [outer(), ...plugins] }))
  expect(seen[0]).toMatch(/^apiKey:[\da-f]{32}$/)
  expect(seen).toEqual([seen[0], expect.not.stringMatching(seen[0] ?? ''), seen[0], `ada\n${seen[0] ?? ''}`])
})

it('is in nothing that is kept of an answer, also where that varies with it', async () => {
  const entries: CacheMeta[] = []
  const memory = memoryCache()
  const store: CacheStore = {
    list: key => memory.list(key),
    begin: (key, variant, meta) => (entries.push(meta), memory.begin(key, variant, meta)),
    update: (key, id, meta) => memory.update(key, id, meta),
    remove: (key, id) => memory.remove(key, id),
    clear: () => memory.clear(),
  }
  const api = mock(() => ({ headers: { 'cache-control': 'max-age=60', vary: 'x-partner' } }))
  const plugins = [apiKey({ key: 's3cret', header: 'x-partner' }), cache({ store })]
  const client = createClient({ engine: api, baseUrl: A, plugins })
  for (const key of ['s3cret', 's3cret', 's3cret-2']) await firstValueFrom(client.get('x', { apiKey: { key } }))
  expect([api.history.length, entries.length]).toEqual([2, 2])
  expect(inspect(entries, { depth: 9 })).not.toContain('s3cret')
})

it('arrives on the wire', async () => {
  await using server = await serve({ 'GET /x': reply.text('ok') })
  await using client = createClient({
    engine: undici(),
    baseUrl: server.url,
    plugins: [apiKey({ key: 'k', header: 'X-Partner' })],
  })
  await firstValueFrom(client.get('x'))
  expect(server.requests[0]?.headers['x-partner']).toBe('k')
})

it('stands inside of redirect and retry', () => {
  for (const outer of [redirect(), retry()]) {
    expect(() => createClient({ engine: mock(), plugins: [apiKey({ key: 'k' }), outer] })).toThrow(
      /cannot stand before/,
    )
  }
})

it.each<[string, object]>([
  ['a wrong key', { key: 7 }],
  ['an object', { key: {} }],
  ['an empty key', { key: '' }],
  ['a header that is none', { header: 'a b' }],
  ['an empty name', { query: '' }],
  ['an origin with a path', { origins: ['https://a.test/x'] }],
  ['a prefix', { prefix: 5 }],
  ['a timeout', { timeout: -1 }],
])('refuses %s', (_, options) => {
  expect(() => apiKey(options as Options)).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error)
})
