import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { firstValueFrom, lastValueFrom, map, tap, toArray } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import {
  createClient,
  definePlugin,
  HttpError,
  isHttpError,
  type Flow,
  type HttpResponse,
  type StreamingResponse,
} from 'sluice'
import { mock, type MockAnswer, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { decode, ENCODED, type DecodeOptions } from 'sluice/plugins/decode'
import { retry } from 'sluice/plugins/retry'
import { webSocket } from 'sluice/streams/web-socket'
import { encode, ENCODINGS, joined, named, noise, pieces, sample, type Encoding } from './decode/encoded.ts'

const SMALL = sample(3000)
const LARGE = sample(200_000)

function clientOf(answer: MockAnswer | MockEngine, options: Partial<DecodeOptions> = {}) {
  const engine = typeof answer === 'object' && 'history' in answer ? answer : mock({ '*': answer })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [decode(options)] }) }
}

function get(answer: MockAnswer, options: Partial<DecodeOptions> = {}): Promise<HttpResponse> {
  return firstValueFrom(clientOf(answer, options).client.get('a'))
}

/** Reads an answer live; the bytes that came, and what ended them. */
async function live(
  answer: MockAnswer,
  options: Partial<DecodeOptions> = {},
): Promise<{ bytes: Uint8Array; error?: HttpError }> {
  const parts: Uint8Array[] = []
  const reader = async (response: StreamingResponse): Promise<void> => {
    for await (const bytes of response) parts.push(bytes)
  }
  const error: unknown = await lastValueFrom(clientOf(answer, options).client.stream('a', reader)).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return { bytes: joined(...parts) }
  if (!isHttpError(error)) throw error as Error
  return { bytes: joined(...parts), error }
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isHttpError(error)) return error
  throw new Error('no HttpError', { cause: error })
}

function encoded(encoding: Encoding, bytes: Uint8Array, more: MockReply = {}): MockReply {
  return { headers: { 'content-encoding': named(encoding) }, body: encode(encoding, bytes), ...more }
}

describe('what is asked for', () => {
  const asked = async (options: Partial<DecodeOptions>, headers = {}): Promise<string | undefined> => {
    const { engine, client } = clientOf(200, options)
    await firstValueFrom(client.get('a', { headers }))
    return engine.history[0]?.request.headers.get('accept-encoding')
  }

  it('is what the platform can decode', async () => {
    expect(await asked({})).toBe('zstd, br, gzip, deflate')
  })

  it('is what the client or the call says', async () => {
    expect(await asked({ accept: ['gzip'] })).toBe('gzip')
    expect(await asked({}, { 'Accept-Encoding': 'br;q=1, *;q=0' })).toBe('br;q=1, *;q=0')
    expect(await asked({ accept: [] })).toBeUndefined()
  })

  it('is nothing encoded with a range, because a part of it could not be decoded', async () => {
    expect(await asked({}, { range: 'bytes=0-99' })).toBe('identity')
    expect(await asked({}, { range: 'bytes=0-99', 'accept-encoding': 'gzip' })).toBe('gzip')
  })

  it('is nothing when left out of the call, whose bytes come as they were sent', async () => {
    const { engine, client } = clientOf(encoded('gzip', SMALL))
    const response = await firstValueFrom(client.get('a', { decode: false }))
    expect(engine.history[0]?.request.headers.has('accept-encoding')).toBe(false)
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(new Uint8Array(zlib.gunzipSync(response.bytes))).toEqual(SMALL)
  })

  it('is left to an engine that decodes by itself, and so is the answer', async () => {
    const engine = mock(
      { '*': { headers: { 'content-encoding': 'gzip' }, body: 'plain' } },
      { capabilities: { decodes: true } },
    )
    const { client } = clientOf(engine)
    const response = await firstValueFrom(client.get('a'))
    expect(engine.history[0]?.request.headers.size).toBe(0)
    expect(response.text()).toBe('plain')
  })
})

describe.each(ENCODINGS)('%s', encoding => {
  it.each([
    ['small and whole', SMALL, Infinity],
    ['small and in pieces', SMALL, 7],
    ['large and whole', LARGE, Infinity],
    ['large and in pieces', LARGE, 5000],
    ['one byte', sample(1), Infinity],
  ])('is decoded, %s', async (_, bytes, size) => {
    const body = encode(encoding, bytes)
    const answer = {
      headers: { 'content-encoding': named(encoding) },
      chunks: pieces(body, Math.min(size, body.length)),
    }
    expect((await get(answer)).bytes).toEqual(bytes)
    expect((await live(answer)).bytes).toEqual(bytes)
  })

  it('is an error when it is cut off, wherever that is', async () => {
    const body = encode(encoding, sample(100))
    for (let size = 1; size < body.length; size++) {
      const answer = { headers: { 'content-encoding': named(encoding) }, chunks: [body.slice(0, size)] }
      const error = await errorOf(get(answer))
      expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
      expect(error.message).toBe(
        `The body of the answer to GET https://api.test/a cannot be decoded from ${named(encoding)}: it ends too early.`,
      )
      expect((await live(answer)).error).toMatchObject({ code: 'BODY', phase: 'decode' })
    }
  })

  it.each([
    ['in the same chunk', (body: Uint8Array) => [joined(body, new TextEncoder().encode('garbage'))]],
    ['in the next one', (body: Uint8Array) => [body, new TextEncoder().encode('garbage')]],
    ['as zeros', (body: Uint8Array) => [joined(body, new Uint8Array(10))]],
    ['as zeros in the next chunk', (body: Uint8Array) => [body, new Uint8Array(10)]],
    ['as one byte, later', (body: Uint8Array) => [body, 5, Uint8Array.of(1)]],
  ])('is an error when bytes follow after its end: %s', async (_, chunks) => {
    const answer = { headers: { 'content-encoding': named(encoding) }, chunks: chunks(encode(encoding, SMALL)) }
    expect(await errorOf(get(answer))).toMatchObject({ code: 'BODY', phase: 'decode' })
    const { bytes, error } = await live(answer)
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(bytes.length).toBeLessThanOrEqual(SMALL.length)
  })

  it('is an error when it is something else', async () => {
    const error = await errorOf(get(encoded(encoding, SMALL, { body: '<html>not encoded at all</html>' })))
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      requestWritten: 'yes',
      cause: { code: expect.any(String) as string },
    })
    expect(error.message).toMatch(/its bytes are corrupt\.$|bytes follow after its end\.$/)
  })

  it('may be empty', async () => {
    expect((await get(encoded(encoding, SMALL, { body: undefined }))).bytes.length).toBe(0)
    expect((await get(encoded(encoding, SMALL, { chunks: [], body: undefined }))).bytes.length).toBe(0)
    expect((await get(encoded(encoding, new Uint8Array(0)))).bytes.length).toBe(0)
  })

  it('delivers what a server has flushed before more comes', async () => {
    const stream = encoder(encoding)
    const first = await flushed(stream, 'first')
    const second = await flushed(stream, 'second')
    const answer = {
      headers: { 'content-encoding': named(encoding) },
      chunks: [first, 20, second],
      stall: 'body',
    } as const
    const { client, engine } = clientOf(answer)
    const texts: string[] = []
    await lastValueFrom(
      client.stream('a', async function* (response) {
        for await (const bytes of response) {
          texts.push(new TextDecoder().decode(bytes))
          if (texts.join('') === 'firstsecond') return
        }
        yield 0
      }),
      { defaultValue: 0 },
    )
    expect(texts.join('')).toBe('firstsecond')
    expect(engine.inFlight).toBe(0)
    stream.destroy()
  })
})

type Encoder = Transform & { flush(done: () => void): void }

function encoder(encoding: Encoding): Encoder {
  const create = {
    gzip: zlib.createGzip,
    deflate: zlib.createDeflate,
    'bare deflate': zlib.createDeflateRaw,
    br: zlib.createBrotliCompress,
    zstd: zlib.createZstdCompress,
  }
  return create[encoding]()
}

async function flushed(stream: Encoder, text: string): Promise<Uint8Array> {
  stream.write(text)
  await new Promise<void>(resolve => {
    stream.flush(resolve)
  })
  await settle()
  const parts: Buffer[] = []
  for (let part: unknown = stream.read(); part !== null; part = stream.read()) parts.push(part as Buffer)
  return joined(...parts)
}

describe('the head', () => {
  it('says nothing of the encoding that is gone, and remembers it', async () => {
    const headers = { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain', ETag: '"1"' }
    const response = await get(encoded('gzip', SMALL, { headers }))
    expect([...response.headers]).toEqual([
      ['Content-Type', 'text/plain'],
      ['ETag', '"1"'],
    ])
    const before = response.request.read(ENCODED)
    expect(before?.get('content-encoding')).toBe('gzip')
    expect(before?.get('content-length')).toBe(String(encode('gzip', SMALL).length))
  })

  it('stays as it is where nothing was decoded', async () => {
    const response = await get({ body: 'plain' })
    expect(response.headers.get('content-length')).toBe('5')
    expect(response.request.read(ENCODED)).toBeUndefined()
  })

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('stays as it is without a body: %s %i', async (method, status) => {
    const headers = { 'content-encoding': 'gzip', 'content-length': '1234' }
    const { client } = clientOf({ status, headers })
    const response = await firstValueFrom(client.request(method, 'a'))
    expect([...response.headers]).toEqual(Object.entries(headers))
  })

  it('stays as it is for a part of an encoded body', async () => {
    const part = encode('gzip', SMALL).slice(100, 200)
    const response = await get({ status: 206, headers: { 'content-encoding': 'gzip' }, body: part })
    expect(response.bytes).toEqual(part)
    expect(response.headers.get('content-encoding')).toBe('gzip')
  })

  it('may name a coding in other words', async () => {
    for (const name of ['x-gzip', 'GZIP', ' gzip ', 'identity, gzip', 'gzip, identity', ',gzip,']) {
      expect((await get(encoded('gzip', SMALL, { headers: { 'content-encoding': name } }))).bytes).toEqual(SMALL)
    }
    expect((await get({ headers: { 'content-encoding': 'identity' }, body: 'x' })).text()).toBe('x')
  })
})

describe('several members', () => {
  it.each(['gzip', 'zstd'] as const)('of %s are one body, in one chunk or many', async encoding => {
    const body = joined(encode(encoding, SMALL), encode(encoding, LARGE), encode(encoding, SMALL))
    const headers = { 'content-encoding': encoding }
    for (const size of [body.length, 1000, 13]) {
      expect((await get({ headers, chunks: pieces(body, size) })).bytes).toEqual(joined(SMALL, LARGE, SMALL))
    }
  })

  it('of zstd may be skippable ones', async () => {
    const skippable = joined(Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0), new TextEncoder().encode('note'))
    const body = joined(skippable, encode('zstd', SMALL), skippable)
    for (const size of [body.length, 1, 5]) {
      const answer = { headers: { 'content-encoding': 'zstd' }, chunks: pieces(body, size) }
      expect((await get(answer)).bytes).toEqual(SMALL)
    }
  })
})

describe('codings on top of each other', () => {
  const layers = (...encodings: readonly Encoding[]): MockReply => ({
    headers: { 'content-encoding': encodings.map(named).join(', ') },
    body: encodings.reduce<Uint8Array>((bytes, encoding) => encode(encoding, bytes), LARGE),
  })

  it('are taken off in the opposite order', async () => {
    expect((await get(layers('gzip', 'br'))).bytes).toEqual(LARGE)
    expect((await live(layers('bare deflate', 'zstd', 'gzip'))).bytes).toEqual(LARGE)
  })

  it('may be five, in one line or several', async () => {
    const five = layers('gzip', 'br', 'deflate', 'zstd', 'gzip')
    expect((await get(five)).bytes).toEqual(LARGE)
    const headers = { 'content-encoding': ['gzip, br', 'deflate', 'zstd, gzip'] }
    expect((await get({ ...five, headers })).bytes).toEqual(LARGE)
  })

  it.each([
    ['six', Array.from({ length: 6 }, () => 'gzip').join(', ')],
    ['a thousand', Array.from({ length: 1000 }, () => 'gzip').join(', ')],
    ['a thousand, each in a line', Array.from({ length: 1000 }, () => 'gzip')],
    ['a thousand unknown ones', Array.from({ length: 1000 }, () => 'x').join(',')],
  ])('must not be %s', async (_, value) => {
    const from = performance.now()
    const error = await errorOf(get({ headers: { 'content-encoding': value }, body: 'x' }))
    expect(performance.now() - from).toBeLessThan(50)
    expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
    expect(error.message).toContain('was encoded more than 5 times')
  })

  it('fail with the name of the one that is broken', async () => {
    const body = encode('gzip', encode('br', LARGE).slice(0, -3))
    const error = await errorOf(get({ headers: { 'content-encoding': 'br, gzip' }, body }))
    expect(error.message).toContain('cannot be decoded from br: it ends too early')
  })
})

describe('an unknown coding', () => {
  it.each(['compress', 'aws-chunked', 'sdch', 'gzip;q=1', 'gz\u00efp'])('%j is an error at the head', async name => {
    const { client, engine } = clientOf({ headers: { 'content-encoding': name }, chunks: ['x'], stall: 'body' })
    const error = await errorOf(firstValueFrom(client.get('a')))
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(error.message).toMatch(/^[\x20-\x7e]+$/)
    expect(error.message).toContain('decode: false')
    expect(engine.inFlight).toBe(0)
  })

  it('does not matter to an empty body', async () => {
    expect((await get({ headers: { 'content-encoding': 'compress', 'content-length': '0' } })).bytes.length).toBe(0)
  })
})

describe('limits', () => {
  const zeros = (size: number): Uint8Array => new Uint8Array(size)

  it.each(ENCODINGS)('end a whole %s answer that is larger than maxBytes', async encoding => {
    const answer = encoded(encoding, sample(5000))
    const error = await errorOf(get(answer, { maxBytes: 4999 }))
    expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
    expect(error.message).toContain('decodes to more than the 4999 bytes that decode allows')
    expect((await get(answer, { maxBytes: 5000 })).bytes.length).toBe(5000)
    expect((await get(answer, { maxBytes: false })).bytes.length).toBe(5000)
  })

  it('hold after each coding, not only after the last', async () => {
    const inner = encode('gzip', sample(20_000))
    const answer = { headers: { 'content-encoding': 'gzip, gzip' }, body: encode('gzip', inner) }
    expect(await errorOf(get(answer, { maxBytes: inner.length - 1 }))).toMatchObject({ code: 'TOO_LARGE' })
  })

  it('do not bound a live answer in its size', async () => {
    const { bytes } = await live(encoded('gzip', LARGE), { maxBytes: 10 })
    expect(bytes.length).toBe(LARGE.length)
  })

  it.each(ENCODINGS)('end a %s answer that grows more than 1000 times, live ones too', async encoding => {
    const answer = encoded(encoding, zeros(20_000_000))
    for (const error of [await errorOf(get(answer)), (await live(answer)).error]) {
      expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
      expect(error?.message).toContain('decodes to more than 1000 times its size')
    }
    expect((await get(answer, { ratio: false })).bytes.length).toBe(20_000_000)
  })

  it('say nothing of the ratio of the first MiB', async () => {
    expect((await get(encoded('br', zeros(1024 * 1024)))).bytes.length).toBe(1024 * 1024)
  })

  it('bound the window of zstd to 8 MiB', async () => {
    const params = { [zlib.constants.ZSTD_c_windowLog]: 26, [zlib.constants.ZSTD_c_enableLongDistanceMatching]: 1 }
    const body = new Uint8Array(zlib.zstdCompressSync(zeros(40_000_000), { params }))
    const error = await errorOf(get({ headers: { 'content-encoding': 'zstd' }, body }, { ratio: false }))
    expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
  })
})

describe('back-pressure', () => {
  it.each(ENCODINGS)('of a reader of %s reaches the peer, and little is kept meanwhile', async encoding => {
    let given = 0
    const body = encode(encoding, noise(8 * 1024 * 1024))
    const chunks = {
      *[Symbol.iterator]() {
        for (const chunk of pieces(body, 16_384)) {
          given += chunk.length
          yield chunk
        }
      },
    }
    const { client, engine } = clientOf({ headers: { 'content-encoding': named(encoding) }, chunks })
    let release: () => void = () => undefined
    const read = new Promise<void>(resolve => {
      release = resolve
    })
    let size = 0
    const done = lastValueFrom(
      client.stream('a', async response => {
        size += (await response.read())?.length ?? 0
        await read
        for await (const bytes of response) size += bytes.length
      }),
      { defaultValue: undefined },
    )
    await vi.waitFor(() => {
      expect(engine.paused).toBe(1)
    })
    await settle()
    expect(given).toBeLessThan(1024 * 1024)
    release()
    await done
    expect(size).toBe(8 * 1024 * 1024)
  })

  it('asked for before the first byte holds from there on', async () => {
    const body = encode('gzip', LARGE)
    const engine = mock({
      '*': { headers: { 'content-encoding': 'gzip' }, chunks: [5, body.slice(0, 10), body.slice(10)] },
    })
    let size = 0
    let flow: Flow | undefined
    const holding = definePlugin({
      name: 'holding',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) =>
        next(request).pipe(
          tap(event => {
            if (event.type === 'head') {
              flow = event.flow
              flow.pause()
            } else if (event.type === 'chunk') size += event.bytes.length
          }),
        ),
    })
    const client = createClient({ engine, plugins: [holding(), decode()] })
    const done = firstValueFrom(client.get('https://api.test/'))
    await settle()
    expect(size).toBe(0)
    flow?.resume()
    expect((await done).bytes.length).toBe(LARGE.length)
  })

  it('holds a bomb of few bytes back', async () => {
    const body = encode('br', new Uint8Array(50_000_000))
    const { client } = clientOf({ headers: { 'content-encoding': 'br' }, body }, { ratio: false })
    let size = 0
    const before = process.memoryUsage().rss
    const subscription = client
      .stream('a', async response => {
        size += (await response.read())?.length ?? 0
        await new Promise(() => undefined)
      })
      .subscribe()
    await vi.waitFor(() => {
      expect(size).toBeGreaterThan(0)
    })
    await settle()
    expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024)
    subscription.unsubscribe()
  })
})

/** Lets everything that is on its way arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('leaving', () => {
  it.each([
    ['gzip', 'createGunzip'],
    ['br', 'createBrotliDecompress'],
    ['zstd', 'createZstdDecompress'],
  ] as const)('frees the decoder of %s at once', async (encoding, create) => {
    const made = vi.spyOn(zlib, create)
    try {
      const { client, engine } = clientOf({
        headers: { 'content-encoding': encoding },
        chunks: [encode(encoding, LARGE).slice(0, 50_000)],
        stall: 'body',
      })
      const subscription = client.stream('a', response => response).subscribe()
      await vi.waitFor(() => {
        expect(made).toHaveBeenCalledOnce()
      })
      const stream = made.mock.results[0]?.value as { destroyed: boolean }
      expect(stream.destroyed).toBe(false)
      subscription.unsubscribe()
      expect(stream.destroyed).toBe(true)
      expect(engine.inFlight).toBe(0)
    } finally {
      made.mockRestore()
    }
  })

  it('opens no decoder for a body that nobody reads', async () => {
    const made = vi.spyOn(zlib, 'createGunzip')
    try {
      const engine = mock()
      engine.enqueue({ ...encoded('gzip', LARGE), status: 503 }, encoded('br', SMALL))
      const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), decode()] })
      expect((await firstValueFrom(client.get('https://api.test/'))).bytes).toEqual(SMALL)
      expect(made).not.toHaveBeenCalled()
    } finally {
      made.mockRestore()
    }
  })

  it('ends the exchange when the body turns out to be broken', async () => {
    const { client, engine } = clientOf({ headers: { 'content-encoding': 'gzip' }, chunks: ['garbage'], stall: 'body' })
    const error = await errorOf(lastValueFrom(client.stream('a', response => response)))
    expect(error).toMatchObject({ code: 'BODY' })
    expect(engine.inFlight).toBe(0)
  })
})

describe('the end', () => {
  it('of a body that the peer broke off comes after all that could be decoded, with the reason', async () => {
    const body = encode('gzip', LARGE)
    const answer = { headers: { 'content-encoding': 'gzip' }, chunks: pieces(body.slice(0, 100_000), 1000), cut: true }
    const { bytes, error } = await live(answer)
    expect(error).toMatchObject({ code: 'BODY' })
    expect(error?.phase).not.toBe('decode')
    expect(bytes.length).toBeGreaterThan(50_000)
    expect(bytes).toEqual(LARGE.slice(0, bytes.length))
    expect((await errorOf(get(answer))).phase).not.toBe('decode')
  })

  it('brings the trailers behind the last byte', async () => {
    const answer = encoded('gzip', LARGE, { trailers: { 'x-digest': 'abc' } })
    expect((await get(answer)).trailers.get('x-digest')).toBe('abc')
    const { client } = clientOf(answer)
    const seen = await lastValueFrom(
      client.stream('a', async response => {
        const before = response.trailers.size
        while ((await response.read()) !== undefined);
        return [[before, response.trailers.get('x-digest')] as const]
      }),
    )
    expect(seen).toEqual([[0, 'abc']])
  })

  it('leaves no digest of what it decoded, before the body or behind it', async () => {
    const digests = { 'repr-digest': 'sha-256=:AA==:', 'content-digest': 'sha-256=:AA==:', 'content-md5': 'AA==' }
    const { headers, trailers, request } = await get(
      encoded('gzip', LARGE, { headers: { 'content-encoding': 'gzip', ...digests }, trailers: digests }),
    )
    const left = [headers, trailers].map(fields => Object.keys(digests).filter(name => fields.has(name)))
    expect(left).toEqual([[], []])
    expect(request.read(ENCODED)?.get('repr-digest')).toBe('sha-256=:AA==:')
  })

  it('is one response among the events of a call', async () => {
    const { client } = clientOf(encoded('gzip', LARGE))
    const types = await lastValueFrom(
      client.events('a').pipe(
        map(({ type }) => type),
        toArray(),
      ),
    )
    expect(types.filter(type => type === 'response')).toHaveLength(1)
  })
})

it.each([
  [{ accept: ['gzip', 'lzma'] }, /one of "zstd", "br", "gzip", "deflate"/],
  [{ accept: 'gzip' }, /a list/],
  [{ maxBytes: -1 }, /whole number of bytes/],
  [{ ratio: Number.NaN }, /whole number/],
  [{ maxSize: 5 }, /no option/],
])('refuses %o', (options, message) => {
  expect(() => decode(options as never)).toThrow(message)
  expect(() => decode(options as never)).toThrow(HttpError)
})

it('a WebSocket has no body, whatever its handshake says of one', async () => {
  const { client } = clientOf({ webSocket: ['hello', { close: 1000 }], headers: { 'content-encoding': 'gzip' } })
  const said = webSocket<string>(client, 'a', { codec: 'text' })
  expect(await lastValueFrom(said.pipe(toArray()))).toEqual(['hello'])
})
