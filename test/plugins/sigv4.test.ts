import {
  createClient,
  IDENTITY,
  isHttpError,
  type AnyPlugin,
  type ClientOptions,
  type Engine,
  type EngineFactory,
  type HttpError,
  type HttpEvent,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { encode } from 'sluice/plugins/encode'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { cache } from 'sluice/plugins/cache'
import { sigv4, type AwsCredentials, type SigV4Options } from 'sluice/plugins/sigv4'
import { reply, serve, type Routes, type ServeOptions, type TestServer } from 'sluice/testing'
import { firstValueFrom, forkJoin, map, Observable, timer } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { verify } from './sigv4/verifier.ts'

const A = 'https://a.test/'
const ID = 'AKIDEXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const credentials: AwsCredentials = { accessKeyId: ID, secretAccessKey: SECRET }
const KEYS = { [ID]: SECRET }
const USUAL: Partial<SigV4Options> = { region: 'eu-central-1', service: 's3', credentials }

function open(
  engine: Engine | EngineFactory,
  options: Partial<SigV4Options> = {},
  client: Partial<ClientOptions> = {},
  ...more: AnyPlugin[]
) {
  const outer = more.filter(({ scope }) => scope === 'steer')
  const inner = more.filter(({ scope }) => scope !== 'steer')
  return createClient({
    engine,
    baseUrl: A,
    confine: false,
    ...client,
    plugins: [...(outer as []), sigv4({ ...USUAL, ...options }), ...(inner as [])],
  })
}

const answerOf = <T>(call: Observable<T>): Promise<T> => firstValueFrom(call)

async function errorOf(call: Observable<unknown>): Promise<HttpError> {
  const caught: unknown = await answerOf(call).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!isHttpError(caught)) throw new Error(`no HttpError but ${String(caught)}`)
  return caught
}

afterEach(() => {
  vi.useRealTimers()
})

describe('home', () => {
  it.each<[name: string, url: string, options: Partial<SigV4Options>, signed: boolean]>([
    ['the base url', 'x', {}, true],
    ['another port', 'https://a.test:8443/', {}, false],
    ['another scheme', 'http://a.test/', {}, false],
    ['another host', 'https://b.test/', {}, false],
    ['a host below', 'https://x.a.test/', {}, false],
    ['a named origin', 'https://b.test/', { origins: ['https://b.test'] }, true],
    ['the base url, when others are named', 'x', { origins: ['https://b.test'] }, false],
  ])('is %s', async (_, url, options, signed) => {
    const engine = mock(() => 200)
    await answerOf(open(engine, options).get(url))
    expect(engine.history[0]?.request.headers.has('authorization')).toBe(signed)
    expect(engine.history[0]?.request.headers.has('x-amz-date')).toBe(signed)
  })

  it.each<[hops: string[], signed: boolean[]]>([
    [['/2'], [true, true]],
    [['https://b.test/'], [true, false]],
    [
      ['https://b.test/', 'https://a.test/'],
      [true, false, false],
    ],
    [
      ['https://b.test/', '/2'],
      [true, false, false],
    ],
  ])('is left by redirects to %j', async (hops, signed) => {
    const to = (location: string): MockReply => ({ status: 307, headers: { location } })
    // Also when the other one asks for credentials.
    const engine = mock(() => 200).enqueue(...hops.map(to))
    engine.enqueue({ status: 403, headers: { date: 'Thu, 01 Jan 1970 00:00:00 GMT' } })
    await answerOf(open(engine, {}, {}, redirect()).get('1'))
    const sent = engine.history.map(({ request }) => request.headers)
    expect(sent.slice(0, signed.length).map(headers => headers.has('authorization'))).toEqual(signed)
    expect(sent.slice(0, signed.length).map(headers => headers.has('x-amz-date'))).toEqual(signed)
    expect(sent.slice(0, signed.length).map(headers => headers.has('x-amz-content-sha256'))).toEqual(signed)
  })

  it('is not known without base url and origins', async () => {
    const api = createClient({ engine: mock(() => 200), plugins: [sigv4(USUAL)] })
    expect(await errorOf(api.get(A))).toMatchObject({ code: 'CONFIG' })
  })
})

describe('what is signed already is left alone', () => {
  it.each([
    ['in the header', 'x', { Authorization: 'Basic eDp5' }],
    ['in the url', 'x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=abc', {}],
  ])('%s', async (_, url, headers) => {
    const engine = mock(() => 200)
    await answerOf(open(engine).get(url, { headers: headers as Record<string, string> }))
    expect(engine.history[0]?.request.url).toBe(`${A}${url}`)
    expect(engine.history[0]?.request.headers.toJSON()).toEqual(
      'Authorization' in headers ? { authorization: '<redacted:10>' } : {},
    )
  })
})

describe('the name in which a request goes', () => {
  it('is noted, and is no secret', async () => {
    const engine = mock(() => 200)
    await answerOf(open(engine).get('x'))
    const name = engine.history[0]?.request.read(IDENTITY)
    expect(name).toMatch(new RegExp(`^aws4-hmac-sha256 ${ID} [0-9a-f]{32}$`))
    expect(name).not.toContain(credentials.secretAccessKey)
  })

  it('is another one with a wrong secret, who is given nothing that was kept', async () => {
    const engine = mock(() => ({ headers: { 'cache-control': 'max-age=60' }, body: 'mine' })).enqueue(
      { headers: { 'cache-control': 'max-age=60' }, body: 'mine' },
      403,
    )
    const signed = sigv4({ region: 'us-east-1', service: 'execute-api', credentials })
    const api = createClient({ engine, baseUrl: A, plugins: [signed, cache()] })
    expect((await answerOf(api.get('x'))).text()).toBe('mine')
    const wrong = { ...credentials, secretAccessKey: 'guessed' }
    expect((await answerOf(api.get('x', { sigv4: { credentials: wrong } }))).status).toBe(403)
  })

  it('is that of the call, if it has its own', async () => {
    const engine = mock(() => 200)
    const other = { accessKeyId: 'OTHER', secretAccessKey: 'x', sessionToken: 'tok' }
    await answerOf(open(engine).get('x', { sigv4: { credentials: other } }))
    await answerOf(open(engine).get('x'))
    await answerOf(open(engine).get('x', { sigv4: false }))
    expect(engine.history.map(({ request }) => request.read(IDENTITY)?.replace(/ [0-9a-f]{32}$/, ''))).toEqual([
      'aws4-hmac-sha256 OTHER',
      `aws4-hmac-sha256 ${ID}`,
      undefined,
    ])
    expect(engine.history[0]?.request.headers.get('x-amz-security-token')).toBe('tok')
  })
})

describe('the time', () => {
  const SERVER = Date.UTC(2026, 10, 21, 12, 0, 0)
  const date = (time: number) => new Date(time).toUTCString()
  const dates = (engine: ReturnType<typeof mock>) =>
    engine.history.map(({ request }) => request.headers.get('x-amz-date'))

  function at(time: number): void {
    vi.useFakeTimers({ toFake: ['Date'], now: time })
  }

  it.each([400, 401, 403])('is corrected by the server’s once, after a %i, and kept', async status => {
    at(SERVER - 3_600_000)
    const engine = mock(() => 200).enqueue({ status, headers: { date: date(SERVER) } })
    const api = open(engine)
    const notices: unknown[] = []
    await new Promise<void>(resolve => {
      api.events('x').subscribe({
        next(event: HttpEvent) {
          if (event.type === 'notice') notices.push([event.name, event.detail])
        },
        complete: resolve,
      })
    })
    await answerOf(api.get('y'))
    expect(dates(engine)).toEqual(['20261121T110000Z', '20261121T120000Z', '20261121T120000Z'])
    expect(notices).toEqual([['clock corrected', { skew: 3_600_000 }]])
  })

  it('is corrected once a call', async () => {
    at(SERVER)
    const engine = mock(() => ({ status: 403, headers: { date: 'Thu, 01 Jan 1970 00:00:00 GMT' } }))
    expect((await answerOf(open(engine).get('x'))).status).toBe(403)
    expect(engine.history.length).toBe(2)
  })

  it.each<[name: string, answer: MockReply]>([
    ['close enough', { status: 403, headers: { date: date(SERVER + 3 * 60_000) } }],
    ['missing', { status: 403 }],
    ['no date', { status: 403, headers: { date: 'yesterday' } }],
    ['that of another refusal', { status: 404, headers: { date: date(0) } }],
    ['that of a success', { status: 200, headers: { date: date(0) } }],
  ])('is not corrected where the server’s is %s', async (_, answer) => {
    at(SERVER)
    const engine = mock(() => answer)
    expect((await answerOf(open(engine).get('x'))).status).toBe(answer.status)
    expect(engine.history.length).toBe(1)
  })

  it('is corrected for the next call where a body is gone', async () => {
    at(SERVER - 3_600_000)
    async function* once() {
      yield 'abc'
    }
    const engine = mock(() => 200).enqueue({ status: 403, body: 'too skewed', headers: { date: date(SERVER) } })
    const headers = { 'content-length': 3 }
    const api = open(engine, { payload: 'streaming' })
    const refused = await answerOf(api.put('x', once(), { headers }))
    expect([refused.status, refused.text()]).toEqual([403, 'too skewed'])
    await answerOf(api.put('x', once(), { headers }))
    expect(dates(engine)).toEqual(['20261121T110000Z', '20261121T120000Z'])
  })

  it('is not wrong because a request took long', async () => {
    at(SERVER)
    const engine: MockEngine = mock(() => {
      vi.setSystemTime(SERVER + 600_000)
      return { status: 403, headers: { date: date(SERVER + 600_000) } }
    })
    expect((await answerOf(open(engine).put('x', 'long'))).status).toBe(403)
    expect(engine.history.length).toBe(1)
  })

  it('is not wrong because a refusal is an old one that a cache kept', async () => {
    at(SERVER)
    const engine = mock(() => ({ status: 403, headers: { date: date(SERVER - 600_000), age: '600' } }))
    expect((await answerOf(open(engine).get('x'))).status).toBe(403)
    expect(engine.history.length).toBe(1)
  })

  it('is new for each attempt', async () => {
    at(SERVER)
    const engine: MockEngine = mock(() => {
      vi.setSystemTime(SERVER + 60_000)
      return engine.history.length === 1 ? 503 : 200
    })
    await answerOf(open(engine, {}, {}, retry({ delay: () => 0 })).get('x'))
    expect(dates(engine)).toEqual(['20261121T120000Z', '20261121T120100Z'])
  })
})

describe('a body', () => {
  async function* pieces(...all: string[]) {
    yield* all
  }
  it('that can be read only once cannot be signed by its hash', async () => {
    const error = await errorOf(open(mock(() => 200)).put('x', pieces('a')))
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(error.message).toContain("sigv4({ payload: 'streaming' })")
  })

  it('of unknown length cannot be signed in chunks', async () => {
    const error = await errorOf(
      open(
        mock(() => 200),
        { payload: 'streaming' },
      ).put('x', pieces('a')),
    )
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(error.message).toContain('content-length')
  })

  it('goes unsigned over https only', async () => {
    const engine = mock(() => 200)
    await answerOf(open(engine, { payload: 'unsigned' }).put('x', 'text'))
    await answerOf(open(engine, { payload: 'unsigned' }).put('x', pieces('a')))
    expect(engine.history.map(({ request }) => request.headers.get('x-amz-content-sha256'))).toEqual([
      'UNSIGNED-PAYLOAD',
      'UNSIGNED-PAYLOAD',
    ])
    const plain = open(engine, { payload: 'unsigned' }, { baseUrl: 'http://a.test/' })
    expect(await errorOf(plain.put('x', 'text'))).toMatchObject({ code: 'CONFIG' })
    expect(engine.history.length).toBe(2)
  })

  it('whose hash the call knows is not read', async () => {
    const engine = mock(() => 200)
    await answerOf(open(engine).put('x', pieces('a'), { headers: { 'X-Amz-Content-SHA256': 'UNSIGNED-PAYLOAD' } }))
    expect(engine.history[0]?.body.text()).toBe('a')
  })

  it('that a function makes is sent with its length, which S3 wants', async () => {
    const engine = mock(() => 200)
    await answerOf(open(engine).put('x', () => pieces('one ', 'two')))
    expect(engine.history[0]?.request.headers.get('content-length')).toBe('7')
    expect(engine.history[0]?.body.text()).toBe('one two')
  })

  it('that fails while it is read for its signature fails the call', async () => {
    const broken = new Error('no disk')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3)
      throw broken
    }
    const error = await errorOf(open(mock(() => 200)).put('x', () => failing()))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', cause: broken, requestWritten: 'no', attempt: 1 })
    expect(error.message).toBe('The body of PUT https://a.test/x failed while it was read for its signature.')
  })

  it('that changed after it was signed fails in place of its end', async () => {
    let count = 0
    const error = await errorOf(open(mock(() => 200)).put('x', () => pieces(`made ${++count}`)))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
  })

  it.each([
    ['longer', 'abcd'],
    ['shorter', 'ab'],
  ])('that is %s than it was said to be is no whole request', async (_, text) => {
    const engine = mock(() => 200)
    const headers = { 'content-length': 3 }
    const error = await errorOf(open(engine, { payload: 'streaming' }).put('x', pieces(text), { headers }))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
  })

  it('is given back when the call is left', async () => {
    const returned = Promise.withResolvers<string>()
    const started = Promise.withResolvers<undefined>()
    async function* endless() {
      try {
        for (;;) {
          started.resolve(undefined)
          yield new Uint8Array(1000)
          await new Promise(resolve => setImmediate(resolve))
        }
      } finally {
        returned.resolve('returned')
      }
    }
    const running = open(
      mock(() => 200),
      { payload: 'streaming' },
    )
      .put('x', endless(), { headers: { 'content-length': 1e9 } })
      .subscribe()
    await started.promise
    running.unsubscribe()
    expect(await returned.promise).toBe('returned')
  })
})

describe('credentials', () => {
  it('may be got through the same client', async () => {
    const engine = mock({ '/session': { body: credentials }, '*': 200 })
    const api: ReturnType<typeof open> = open(engine, {
      credentials: () => api.get('session').pipe(map(answer => answer.json<AwsCredentials>())),
    })
    await answerOf(api.get('x'))
    expect(engine.history.map(({ request }) => [request.target, request.headers.has('authorization')])).toEqual([
      ['/session', false],
      ['/x', true],
    ])
  })

  it('that are waited for are left with the call', () => {
    let left = 0
    const engine = mock(() => 200)
    const never = new Observable<AwsCredentials>(() => () => {
      left++
    })
    const api = open(engine, { credentials: () => never })
    const running = [api.get('x').subscribe(), api.get('y').subscribe()]
    running[0]?.unsubscribe()
    expect(left).toBe(0)
    running[1]?.unsubscribe()
    expect(left).toBe(1)
    expect(engine.history.length).toBe(0)
  })

  it('are got once for all calls that wait, and once more after that', async () => {
    let asked = 0
    const engine = mock(() => 200)
    const api = open(engine, {
      credentials: () => timer(5).pipe(map(() => ({ ...credentials, accessKeyId: `K${++asked}` }))),
    })
    await answerOf(forkJoin(Array.from({ length: 200 }, () => api.get('x'))))
    await answerOf(api.get('y'))
    const names = engine.history.map(({ request }) => request.read(IDENTITY)?.split(' ', 2).join(' '))
    expect([...new Set(names.slice(0, 200))]).toEqual(['aws4-hmac-sha256 K1'])
    expect(names.slice(200)).toEqual(['aws4-hmac-sha256 K2'])
  })

  it.each(['region', 'service', 'credentials'] as const)('are not enough without %s', async name => {
    const error = await errorOf(
      open(
        mock(() => 200),
        { [name]: undefined },
      ).get('x'),
    )
    expect(error.code).toBe('CONFIG')
    expect(error.message).toContain(`sigv4 needs the ${name} to sign GET ${A}x`)
  })

  it('never show in errors', async () => {
    const engine = mock(() => 'RESET' as const)
    const error = await errorOf(open(engine, { credentials: { ...credentials, sessionToken: 'tok-en' } }).get('x'))
    const shown = `${error.stack ?? ''}${JSON.stringify(error)}${JSON.stringify(engine.history[0]?.request)}`
    for (const secret of [SECRET, 'tok-en', 'Signature=']) expect(shown).not.toContain(secret)
  })
})

it.each([
  [{ region: '' }, 'a name of letters'],
  [{ region: 'eu/central' }, 'a name of letters'],
  [{ service: 's3\n' }, 'a name of letters'],
  [{ credentials: 'AKID:secret' as never }, 'an object with accessKeyId and secretAccessKey'],
  [{ origins: ['a.test'] }, 'an origin'],
  [{ payload: 'none' as 'signed' }, 'one of'],
])('refuses %j', (options, wanted) => {
  expect(() => sigv4(options)).toThrow(wanted)
  expect(() => sigv4(options)).not.toThrow('AKID:secret')
})

it.each([
  ['redirect', redirect()],
  ['retry', retry()],
] as const)('stands inside of %s', (name, plugin) => {
  expect(() => createClient({ engine: mock(() => 200), plugins: [sigv4(USUAL), plugin] })).toThrow(name)
})

it('cannot sign what servers read in more than one way', async () => {
  const api = open(mock(() => 200))
  expect((await errorOf(api.get('x', { headers: { 'x-amz-meta-name': 'é' } }))).message).toContain('x-amz-meta-name')
  expect((await errorOf(api.get('x?a=%ff'))).message).toContain('UTF-8')
  const name = await errorOf(api.get('x?__proto__=1'))
  expect(name).toMatchObject({ code: 'CONFIG' })
  expect(name.message).toBe(
    'GET https://a.test/x?__proto__=<redacted:1> cannot be signed with a query parameter of the name __proto__; give it another one.',
  )
})

describe.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('on the wire of %s', (name, engine) => {
  const options: ServeOptions = name === 'http2' ? { protocol: 'h2c' } : {}

  /** A service that believes nobody. It answers with the body it was sent. */
  const service: Routes = {
    '/*': async request => {
      const body = await request.bytes()
      try {
        const { method, target, rawHeaders, headers } = request
        const host = headers[':authority'] ?? request.header('host')
        const found = verify({ method, target, rawHeaders, body, host: host || server.url.split('/')[2] || '' }, KEYS)
        return { body: found, headers: { 'content-type': 'application/octet-stream' } }
      } catch (error) {
        return reply.text((error as Error).message, { status: 403 })
      }
    },
  }
  let server: TestServer

  it.each<[name: string, path: string, options?: object]>([
    ['a plain path', 'a/b.txt'],
    ['no path', ''],
    ['all characters a path may have', "a/-._~!$&'()*+,;=:@%20%2B%2f/(1).txt"],
    ['a path in UTF-8', 'ሴ/ü b.txt'],
    ['a path that is not UTF-8', 'a%ff%c3.txt'],
    ['a percent sign', 'a%.txt%zz'],
    ['empty segments', 'a//b/'],
    ['a query in another order', '?b=2&a=1&B=3&a=0&=x'],
    ['a name without a value', '?acl&list-type=2&uploads='],
    ['spaces and signs in a query', "?q=a+b%20c&s=!'()*&p=%2B&e=%3D%26&u=%C3%BC&x=a=b"],
    ['values of one name', '?a=2&a=10&a=1&a='],
    ['values like names of objects', '?a=__proto__&constructor=toString'],
    ['query values of an object', '', { query: { prefix: 'a b+c/ü', marker: '*' } }],
    [
      'headers, one of them twice',
      'x',
      { headers: { 'X-Amz-Meta-B': ['2', '1'], 'x-amz-meta-a': ' a   b ', accept: 'text/plain', 'if-match': '"e"' } },
    ],
    ['a range', 'x', { headers: { range: 'bytes=0-9' } }],
  ])('what the service computes is right for %s', async (_, path, call = {}) => {
    await using served = await serve(service, options)
    server = served
    for (const kind of ['s3', 'execute-api']) {
      const token = { ...credentials, sessionToken: 'token/+=' }
      const api = open(engine, { service: kind, credentials: token }, { baseUrl: server.url })
      const answer = await answerOf(api.get(path, call))
      expect(`${answer.status} ${answer.text()}`).toBe('200 ')
      await api.close()
    }
  })

  it('and for bodies of every kind', async () => {
    await using served = await serve(service, options)
    server = served
    const big = Uint8Array.from({ length: 200_000 }, (_, at) => at % 251)
    async function* pieces() {
      for (let at = 0; at < big.length; at += 7_001) yield big.subarray(at, at + 7_001)
    }
    const text = { 'content-length': big.length }
    for (const kind of ['s3', 'execute-api']) {
      const api = open(engine, { service: kind }, { baseUrl: server.url }, encode({ threshold: 0 }))
      const chunks = { sigv4: { payload: 'streaming' as const } }
      const calls: [string, Observable<{ status: number; bytes: Uint8Array }>, Uint8Array][] = [
        ['bytes', api.put('x', big), big],
        ['no bytes', api.put('x', new Uint8Array(0)), new Uint8Array(0)],
        ['nothing', api.post('x'), new Uint8Array(0)],
        ['a blob', api.put('x', new Blob([big])), big],
        ['a function', api.put('x', () => pieces()), big],
        ['JSON', api.post('x', { a: 'ü' }), new TextEncoder().encode('{"a":"ü"}')],
        ['a blob in chunks', api.put('x', new Blob([big]), chunks), big],
        ['an empty blob in chunks', api.put('x', new Blob([]), chunks), new Uint8Array(0)],
        ['64 KiB in chunks', api.put('x', new Blob([big.subarray(0, 65_536)]), chunks), big.subarray(0, 65_536)],
        ['a stream in chunks', api.put('x', pieces(), { ...chunks, headers: text }), big],
        ['coded chunks', api.put('x', new Blob([big]), { ...chunks, headers: { 'content-encoding': 'zstd' } }), big],
      ]
      for (const [what, call, expected] of calls) {
        const { status, bytes } = await answerOf(call)
        expect(`${what}: ${status} ${status === 200 ? '' : new TextDecoder().decode(bytes)}`).toBe(`${what}: 200 `)
        expect(Buffer.compare(bytes, expected)).toBe(0)
      }
      await api.close()
    }
  })

  it('and a service with another key says no', async () => {
    await using served = await serve(service, options)
    server = served
    const api = open(engine, { credentials: { ...credentials, secretAccessKey: 'other' } }, { baseUrl: server.url })
    expect((await answerOf(api.get('x'))).status).toBe(403)
    await api.close()
  })
})
