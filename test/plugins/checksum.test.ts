import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import {
  createClient,
  isHttpError,
  type AnyPlugin,
  type Capabilities,
  type Engine,
  type EngineFactory,
  type HttpError,
  type HttpEvent,
  type NoticeEvent,
  type ResponseHead,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { checksum } from 'sluice/plugins/checksum'
import { decode } from 'sluice/plugins/decode'
import { encode } from 'sluice/plugins/encode'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { chunks } from 'sluice/streams/chunks'
import { reply, serve, type ServeOptions } from 'sluice/testing'
import { firstValueFrom, lastValueFrom, timer, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'

const URL_A = 'https://a.test/x'
const TEXT = '{"hello": "world"}\n'

type Options = Parameters<typeof checksum>[0]

const digest = (text: string | Uint8Array, name = 'sha256') => createHash(name).update(text).digest('base64')
const sha256 = (text: string | Uint8Array) => `sha-256=:${digest(text)}:`
const sha512 = (text: string | Uint8Array) => `sha-512=:${digest(text, 'sha512')}:`

function open(engine: Engine | EngineFactory, options?: Options, ...more: AnyPlugin[]) {
  return createClient({ engine, plugins: [...(more as [ReturnType<typeof decode>]), checksum(options)] })
}

async function caught(promise: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  if (!isHttpError(error)) throw new Error(`no HttpError but ${String(error)}`)
  return error
}

/** What comes of one answer: its notices, and its error if there is one. */
async function told(answer: MockReply, options?: Options, engine: Engine = mock(() => answer), method = 'GET') {
  const notices: NoticeEvent[] = []
  let error: HttpError | undefined
  await new Promise<void>(resolve => {
    open(engine, options)
      .events(URL_A, { method })
      .subscribe({
        next(event: HttpEvent) {
          if (event.type === 'notice') notices.push(event)
        },
        error(failure: unknown) {
          if (isHttpError(failure)) error = failure
          resolve()
        },
        complete: resolve,
      })
  })
  return { error, notices: notices.map(({ name, detail }) => [name, detail['field'] ?? detail['why']]) }
}

/** What a server must speak for an engine. */
const optionsOf = (engine: string): ServeOptions => (engine === 'http2' ? { protocol: 'h2c' } : {})

/** The length of the coded bytes, which a mock would hold the decoded ones to. */
function platformHead(head: ResponseHead): ResponseHead {
  const coded = head.headers.get('x-coded-length')
  return coded === undefined ? head : { ...head, headers: head.headers.set('content-length', coded) }
}

/** A mock that is like an engine of a platform. */
function like(change: Partial<Capabilities>, answer: MockReply): Engine & Pick<MockEngine, 'history'> {
  const engine = mock(() => answer)
  return {
    name: 'platform',
    capabilities: { ...engine.capabilities, ...change },
    history: engine.history,
    exchange: (request, observer) =>
      engine.exchange(request, {
        next(event) {
          observer.next(event.type === 'head' ? { ...event, head: platformHead(event.head) } : event)
        },
        error(error) {
          observer.error(error)
        },
        complete() {
          observer.complete()
        },
      }),
    close: () => engine.close(),
    destroy: () => engine.destroy(),
  }
}

describe('the digest of a request', () => {
  it.each<[name: string, body: object | string | Uint8Array, expected: string]>([
    // RFC 9530 §2: the body is {"hello": "world"} and a line end.
    ['the example of RFC 9530', TEXT, 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'],
    ['JSON', { a: 1 }, sha256('{"a":1}')],
    ['bytes', new Uint8Array([1, 2, 3]), sha256(new Uint8Array([1, 2, 3]))],
    ['no bytes', '', sha256('')],
  ])('of %s', async (_, body, expected) => {
    const engine = mock(() => 200)
    await firstValueFrom(open(engine).post(URL_A, body))
    expect(engine.history[0]?.request.headers.get('content-digest')).toBe(expected)
  })

  it('is missing where there is no body, and where it is not wanted', async () => {
    const engine = mock(() => 200)
    await firstValueFrom(open(engine).get(URL_A))
    await firstValueFrom(open(engine, { request: false }).post(URL_A, 'x'))
    await firstValueFrom(open(engine).post(URL_A, 'x', { checksum: false }))
    expect(engine.history.map(({ request }) => request.headers.has('content-digest'))).toEqual([false, false, false])
  })

  it('is made by SHA-512 if that is wanted, and is left alone when the call has one', async () => {
    const engine = mock(() => 200)
    await firstValueFrom(open(engine, { request: 'sha-512' }).post(URL_A, 'x'))
    await firstValueFrom(open(engine).post(URL_A, 'x', { headers: { 'Content-Digest': 'mine' } }))
    expect(engine.history.map(({ request }) => request.headers.get('content-digest'))).toEqual([sha512('x'), 'mine'])
  })

  it('of a Blob and of what a function makes is found by reading it before', async () => {
    const engine = mock(() => 200)
    let made = 0
    async function* pieces() {
      made++
      yield 'one '
      yield 'two'
    }
    await firstValueFrom(open(engine).post(URL_A, new Blob(['blob'])))
    await firstValueFrom(open(engine).post(URL_A, () => pieces()))
    expect(engine.history.map(({ request }) => request.headers.get('content-digest'))).toEqual([
      sha256('blob'),
      sha256('one two'),
    ])
    expect(engine.history.map(({ body }) => body.text())).toEqual(['blob', 'one two'])
    expect(made).toBe(2)
  })

  it.each(['gzip', 'deflate', 'br', 'zstd'] as const)(
    'of a body that encode makes is that of %s, however slowly it comes',
    async coding => {
      const engine = mock(() => 200)
      let made = 0
      async function* pieces() {
        made++
        yield TEXT.repeat(100)
        // Longer than what encode waits before it lets out what the compressor holds back.
        if (made === 2) await firstValueFrom(timer(150))
        yield TEXT
      }
      const client = createClient({ engine, plugins: [encode({ coding, threshold: 0 }), checksum()] })
      await firstValueFrom(client.put(URL_A, () => pieces()))
      const [sent] = engine.history
      expect(made).toBe(2)
      expect(sent?.request.headers.get('content-encoding')).toBe(coding)
      expect(sent?.request.headers.get('content-digest')).toBe(sha256(sent?.body.bytes ?? new Uint8Array(0)))
    },
  )

  it('cannot be that of a stream that is read once', async () => {
    const engine = mock(() => 200)
    async function* once() {
      yield 'once'
    }
    const error = await caught(firstValueFrom(open(engine).put(URL_A, once())))
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(error.message).toContain('{ checksum: { request: false } }')
    expect(engine.history.length).toBe(0)
    await firstValueFrom(open(engine).put(URL_A, once(), { checksum: { request: false } }))
    expect(engine.history[0]?.body.text()).toBe('once')
  })

  it('of a body that is another one when it is sent fails in place of its end', async () => {
    let made = 0
    async function* pieces() {
      yield `made ${++made}`
    }
    const error = await caught(firstValueFrom(open(mock(() => 200)).put(URL_A, () => pieces())))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
    expect(error.message).toBe(`The body of PUT ${URL_A} is not the one its digest was made of: it changed in between.`)
  })

  it('of a body that fails while it is read fails the call', async () => {
    const wrong = new Error('disk')
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      throw wrong
    }
    const error = await caught(firstValueFrom(open(mock(() => 200)).put(URL_A, () => pieces())))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', cause: wrong, requestWritten: 'no' })
  })

  it('that nobody waits for any more gives the body back at once', async () => {
    const returned = Promise.withResolvers<string>()
    const started = Promise.withResolvers<undefined>()
    async function* endless() {
      try {
        for (;;) {
          started.resolve(undefined)
          yield new Uint8Array(10)
          await new Promise(resolve => setImmediate(resolve))
        }
      } finally {
        returned.resolve('returned')
      }
    }
    const engine = mock(() => 200)
    const running = open(engine)
      .put(URL_A, () => endless())
      .subscribe()
    await started.promise
    running.unsubscribe()
    expect(await returned.promise).toBe('returned')
    expect(engine.history.length).toBe(0)
  })

  it('is made for every attempt and hop', async () => {
    const engine = mock(() => 200)
      .enqueue(503)
      .enqueue({ status: 307, headers: { location: '/y' } })
    const client = createClient({ engine, plugins: [redirect(), retry({ delay: () => 0 }), checksum()] })
    await firstValueFrom(client.put(URL_A, 'x'))
    expect(engine.history.map(({ request }) => request.headers.get('content-digest'))).toEqual(
      Array<string>(3).fill(sha256('x')),
    )
  })
})

describe('Want-Content-Digest', () => {
  it.each<[name: string, options: Options, expected: string | undefined]>([
    ['asks for both', {}, 'sha-512=5, sha-256=10'],
    ['is not sent where nobody looks', { response: false }, undefined],
    ['is not sent where it is not wanted', { want: false }, undefined],
  ])('%s', async (_, options, expected) => {
    const engine = mock(() => 200)
    await firstValueFrom(open(engine, options).get(URL_A))
    expect(engine.history[0]?.request.headers.get('want-content-digest')).toBe(expected)
  })

  it('of the call stays as it is', async () => {
    const engine = mock(() => 200)
    await firstValueFrom(open(engine).get(URL_A, { headers: { 'Want-Content-Digest': 'sha-256=1' } }))
    expect(engine.history[0]?.request.headers.get('want-content-digest')).toBe('sha-256=1')
  })

  it('is not sent from a page, unless it is wanted', async () => {
    const engine = like({ decodes: true, reserves: ['headers', 'cookies'] }, {})
    await firstValueFrom(open(engine).get(URL_A))
    await firstValueFrom(open(engine, { want: true }).get(URL_A))
    expect(engine.history.map(({ request }) => request.headers.has('want-content-digest'))).toEqual([false, true])
  })
})

const VERIFIED = ['verified', 'Content-Digest']
const UNKNOWN = ['unverified', 'has no digest by an algorithm that proves anything (sha-256, sha-512)']
const PARTIAL = ['unverified', 'is a part of a body, and its Repr-Digest is that of the whole']
const DECODED = ['unverified', 'was decoded by the engine, and its digest is that of the coded bytes']
const UNANNOUNCED = ['unverified', 'has a digest in its trailers, which the field Trailer did not announce']

describe('an answer', () => {
  it.each<[name: string, answer: MockReply, notices: unknown[]]>([
    ['without digest', {}, []],
    ['with its Content-Digest', { headers: { 'content-digest': sha256(TEXT) } }, [VERIFIED]],
    ['with its Repr-Digest', { headers: { 'repr-digest': sha512(TEXT) } }, [['verified', 'Repr-Digest']]],
    ['with both', { headers: { 'content-digest': sha256(TEXT), 'repr-digest': sha512(TEXT) } }, [VERIFIED]],
    [
      'with a wrong weak digest beside',
      { headers: { 'content-digest': `md5=:AAAA:, ${sha256(TEXT)}, sha=:AAAA:, crc32c=:AAAA:` } },
      [VERIFIED],
    ],
    ['with several lines', { headers: { 'content-digest': ['md5=:AAAA:', sha256(TEXT)] } }, [VERIFIED]],
    [
      'with a key of the name twice, the last of which counts',
      { headers: { 'content-digest': `sha-256=:AAAA:, ${sha256(TEXT)}` } },
      [VERIFIED],
    ],
    ['with a digest by MD5 alone', { headers: { 'content-digest': 'md5=:AAAA:' } }, [UNKNOWN]],
    ['with an algorithm in capitals', { headers: { 'content-digest': `SHA-256=:${digest('x')}:` } }, [UNKNOWN]],
    ['with a digest in hexadecimal', { headers: { 'content-digest': 'sha-256=abcdef' } }, [UNKNOWN]],
    ['with a digest that is a text', { headers: { 'content-digest': 'sha-256="abc"' } }, [UNKNOWN]],
    ['with a digest that is a list', { headers: { 'content-digest': 'sha-256=(:AAAA:)' } }, [UNKNOWN]],
    ['with a field that breaks off', { headers: { 'content-digest': 'sha-256=:AAA' } }, [UNKNOWN]],
    ['with a huge field', { headers: { 'content-digest': 'x,'.repeat(30_000) } }, [UNKNOWN]],
    ['with the old Digest field', { headers: { digest: 'SHA-256=AAAA' } }, []],
    ['without bytes', { body: '', headers: { 'content-digest': sha256('') } }, [VERIFIED]],
    [
      'that is a part, with the digest of the part',
      { status: 206, headers: { 'content-digest': sha256(TEXT), 'repr-digest': sha256('whole') } },
      [VERIFIED],
    ],
    [
      'that is a part, with the digest of the whole',
      { status: 206, headers: { 'repr-digest': sha256('whole') } },
      [PARTIAL],
    ],
    ['that failed', { status: 404, headers: { 'content-digest': sha256(TEXT) } }, [VERIFIED]],
    ['to 204', { status: 204, headers: { 'content-digest': sha256(TEXT) } }, []],
    ['to 304', { status: 304, headers: { 'content-digest': sha256(TEXT) } }, []],
    [
      'with announced trailers',
      { chunks: [TEXT], headers: { trailer: 'x-a, Content-Digest' }, trailers: { 'content-digest': sha256(TEXT) } },
      [VERIFIED],
    ],
    ['with trailers nobody announced', { chunks: [TEXT], trailers: { 'content-digest': sha256('x') } }, [UNANNOUNCED]],
  ])('%s passes', async (_, answer, notices) => {
    const result = await told({ body: answer.chunks ? undefined : TEXT, ...answer })
    expect(result.error).toBeUndefined()
    expect(result.notices).toEqual(notices)
  })

  it('to HEAD has no body to verify', async () => {
    const result = await told(
      {},
      { response: 'require' },
      mock(() => ({ headers: { 'content-digest': sha256('x') } })),
      'HEAD',
    )
    expect(result).toEqual({ error: undefined, notices: [] })
  })

  it.each<[name: string, answer: MockReply, what: string]>([
    ['another Content-Digest', { headers: { 'content-digest': sha256('x') } }, 'Content-Digest (sha-256, RFC 9530)'],
    ['another Repr-Digest', { headers: { 'repr-digest': sha512('x') } }, 'Repr-Digest (sha-512, RFC 9530)'],
    [
      'another one of two fields',
      { headers: { 'content-digest': sha256(TEXT), 'repr-digest': sha256('x') } },
      'Repr-Digest (sha-256, RFC 9530)',
    ],
    [
      'another one of the stronger algorithm',
      { headers: { 'content-digest': `${sha256(TEXT)}, ${sha512('x')}` } },
      'Content-Digest (sha-512, RFC 9530)',
    ],
    ['a digest that is too short', { headers: { 'content-digest': 'sha-256=:AAAA:' } }, 'Content-Digest (sha-256'],
    ['an empty digest', { headers: { 'content-digest': 'sha-256=::' } }, 'Content-Digest (sha-256'],
    [
      'another one in announced trailers',
      { chunks: [TEXT], headers: { trailer: 'content-digest' }, trailers: { 'content-digest': sha256('x') } },
      'Content-Digest (sha-256',
    ],
    [
      'a right one in the head and another in the trailers',
      {
        chunks: [TEXT],
        headers: { trailer: 'repr-digest', 'content-digest': sha256(TEXT) },
        trailers: { 'repr-digest': sha256('x') },
      },
      'Repr-Digest (sha-256',
    ],
    ['one byte more', { body: `${TEXT} `, headers: { 'content-digest': sha256(TEXT) } }, 'Content-Digest'],
    ['one byte less', { body: TEXT.slice(1), headers: { 'content-digest': sha256(TEXT) } }, 'Content-Digest'],
    ['the bytes in another order', { body: 'ba', headers: { 'content-digest': sha256('ab') } }, 'Content-Digest'],
  ])('with %s is an error', async (_, answer, what) => {
    const { error } = await told({ body: answer.chunks ? undefined : TEXT, ...answer })
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', requestWritten: 'yes' })
    expect(error?.message).toContain(`The body of the answer to GET ${URL_A} does not match its ${what}`)
  })

  it('that does not match is asked for again by retry, as one that was cut off is', async () => {
    const wrong = { body: 'broken', headers: { 'content-digest': sha256(TEXT) } }
    const right = { ...wrong, body: TEXT }
    const repeat = retry({ delay: () => 0 })
    const engine = mock(() => right).enqueue(wrong)
    const plugins = [repeat, checksum()]
    expect((await firstValueFrom(createClient({ engine, plugins }).get(URL_A))).text()).toBe(TEXT)
    expect(
      (await caught(firstValueFrom(createClient({ engine: mock(() => wrong), plugins }).post(URL_A)))).attempt,
    ).toBe(1)
  })

  it('without a digest it must have is not asked for again: it will not have one', async () => {
    const engine = mock(() => ({ body: TEXT }))
    const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), checksum({ response: 'require' })] })
    expect(await caught(firstValueFrom(client.get(URL_A)))).toMatchObject({ code: 'BODY', phase: 'decode', attempt: 1 })
  })

  it('that does not match is handed back where nobody looks', async () => {
    const answer = { body: TEXT, headers: { 'content-digest': sha256('x') } }
    expect(await told(answer, { response: false })).toEqual({ error: undefined, notices: [] })
  })

  it('that is left for another is not verified', async () => {
    const wrong = { body: TEXT, headers: { 'content-digest': sha256('x'), location: '/y' } }
    const engine = mock(() => 200).enqueue({ ...wrong, status: 503 }, { ...wrong, status: 302 })
    const client = createClient({ engine, plugins: [redirect(), retry({ delay: () => 0 }), checksum()] })
    expect((await firstValueFrom(client.get(URL_A))).status).toBe(200)
  })

  it('that breaks off fails with that, and not with its digest', async () => {
    const { error } = await told({ body: TEXT, headers: { 'content-digest': sha256(TEXT) }, cut: true })
    expect(error).toMatchObject({ code: 'BODY', phase: 'body' })
  })
})

describe('an answer that must have a digest', () => {
  it.each<[name: string, answer: MockReply, why: string | undefined]>([
    ['and has none', { body: TEXT }, 'has no digest.'],
    ['and has one by MD5', { body: TEXT, headers: { 'content-digest': 'md5=:AAAA:' } }, `${String(UNKNOWN[1])}.`],
    ['and is a part', { status: 206, body: TEXT, headers: { 'repr-digest': sha256(TEXT) } }, `${String(PARTIAL[1])}.`],
    ['and has one', { body: TEXT, headers: { 'repr-digest': sha256(TEXT) } }, undefined],
    [
      'and has one in trailers nobody announced',
      { chunks: [TEXT], trailers: { 'content-digest': sha256(TEXT) } },
      undefined,
    ],
    ['and has no body', { status: 204 }, undefined],
  ])('%s', async (_, answer, why) => {
    const { error } = await told(answer, { response: 'require' })
    expect(error?.code).toBe(why === undefined ? undefined : 'BODY')
    if (why !== undefined) expect(error?.message.endsWith(why)).toBe(true)
  })
})

describe('where the engine decodes by itself', () => {
  const node: Partial<Capabilities> = { decodes: true, reserves: ['headers'] }
  const page: Partial<Capabilities> = { decodes: true, reserves: ['headers', 'cookies'] }
  const right = sha256(TEXT)
  const coded = sha256(gzipSync(TEXT))
  it.each<[name: string, engine: Partial<Capabilities>, answer: MockReply, notices: unknown[], code?: string]>([
    [
      'a coded answer is not verified',
      node,
      { headers: { 'content-encoding': 'gzip', 'content-digest': coded } },
      [DECODED],
    ],
    ['an answer without coding is', node, { headers: { 'content-digest': right } }, [VERIFIED]],
    [
      'an answer without coding that does not match is wrong',
      node,
      { headers: { 'content-digest': coded } },
      [],
      'BODY',
    ],
    ['an answer of the announced length is, on a page too', page, { headers: { 'content-digest': coded } }, [], 'BODY'],
    [
      'an answer of another length had a coding the page was not shown',
      page,
      { chunks: [TEXT], headers: { 'x-coded-length': gzipSync(TEXT).length, 'content-digest': coded } },
      [DECODED],
    ],
    ['so had one without a length', page, { chunks: [TEXT], headers: { 'content-digest': coded } }, [DECODED]],
    [
      'one that matches is verified whatever its length',
      page,
      { chunks: [TEXT], headers: { 'content-digest': right } },
      [VERIFIED],
    ],
  ])('%s', async (_, change, answer, notices, code) => {
    const whole = { body: answer.chunks ? undefined : TEXT, ...answer }
    const { error, notices: heard } = await told(whole, {}, like(change, whole))
    expect(error?.code).toBe(code)
    expect(heard).toEqual(notices)
  })

  it('what must be verified and cannot be is an error', async () => {
    const answer = { body: TEXT, headers: { 'content-encoding': 'gzip', 'content-digest': coded } }
    const { error } = await told(answer, { response: 'require' }, like(node, answer))
    expect(error?.message).toContain('was decoded by the engine')
  })
})

describe('its place', () => {
  it.each([['decode', decode()]])('is inside of %s', (name, plugin) => {
    expect(() => createClient({ engine: mock(() => 200), plugins: [checksum(), plugin] })).toThrow(name)
  })

  it('is where the bytes are coded: decode hands on what was verified', async () => {
    const body = gzipSync(TEXT)
    const headers = { 'content-encoding': 'gzip', 'content-digest': sha256(body), 'repr-digest': sha512(body) }
    const client = open(
      mock(() => ({ body, headers })),
      { response: 'require' },
      decode(),
    )
    expect((await firstValueFrom(client.get(URL_A))).text()).toBe(TEXT)
  })
})

it.each([
  [{ request: 'md5' as 'sha-256' }, 'one of "sha-256", "sha-512", false'],
  [{ response: true as unknown as 'verify' }, 'one of "verify", "require", false'],
  [{ want: 1 as unknown as boolean }, 'true or false'],
])('refuses %j', (options, wanted) => {
  expect(() => checksum(options)).toThrow(wanted)
})

describe.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('on the wire of %s', (name, engine) => {
  const big = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251)
  const options = optionsOf(name)

  it('sends digests that are those of what arrives', async () => {
    await using server = await serve({ 'PUT /x': reply.status(204) }, options)
    const client = open(engine)
    await firstValueFrom(client.put(`${server.url}x`, big))
    await firstValueFrom(client.put(`${server.url}x`, new Blob([big])))
    async function* pieces() {
      yield big.subarray(0, 1000)
      yield big.subarray(1000)
    }
    await firstValueFrom(client.put(`${server.url}x`, () => pieces()))
    await client.close()
    for (const { headers, body } of server.requests) {
      expect(headers['content-digest']).toBe(sha256(body ?? ''))
      expect(body?.length).toBe(big.length)
    }
    expect(server.requests.length).toBe(3)
  })

  it('verifies what arrives, whole and live', async () => {
    const flipped = big.slice()
    flipped[123_456] = 255
    const headers = { 'content-digest': sha256(big) }
    await using server = await serve(
      { 'GET /good': { headers, body: big }, 'GET /bad': { headers, body: flipped } },
      options,
    )
    const client = open(engine, { response: 'require' })
    expect((await firstValueFrom(client.get(`${server.url}good`))).bytes.length).toBe(big.length)
    expect(await caught(firstValueFrom(client.get(`${server.url}bad`)))).toMatchObject({
      code: 'BODY',
      phase: 'body',
    })

    const live = await lastValueFrom(client.stream(`${server.url}good`, chunks()).pipe(toArray()))
    expect(live.reduce((sum, { length }) => sum + length, 0)).toBe(big.length)
    let read = 0
    const error = await caught(
      new Promise((resolve, reject) => {
        client.stream(`${server.url}bad`, chunks()).subscribe({
          next: bytes => {
            read += bytes.length
          },
          error: reject,
          complete: () => {
            resolve(undefined)
          },
        })
      }),
    )
    expect(error).toMatchObject({ code: 'BODY', phase: 'body' })
    expect(read).toBe(big.length)
    await client.close()
  })
})

describe.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
] as const)('on the wire of %s', (name, engine) => {
  it('verifies digests in trailers', async () => {
    const good = { headers: { trailer: 'content-digest' }, body: TEXT, trailers: { 'content-digest': sha256(TEXT) } }
    const bad = { ...good, trailers: { 'content-digest': sha256('x') } }
    await using server = await serve({ 'GET /good': good, 'GET /bad': bad }, optionsOf(name))
    const client = open(engine, { response: 'require' })
    expect((await firstValueFrom(client.get(`${server.url}good`))).text()).toBe(TEXT)
    expect(await caught(firstValueFrom(client.get(`${server.url}bad`)))).toMatchObject({
      code: 'BODY',
      phase: 'body',
    })
    await client.close()
  })
})
