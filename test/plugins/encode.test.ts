import zlib from 'node:zlib'
import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { createClient, definePlugin, HttpError, isHttpError, recommended, type Body, type HttpEvent } from 'sluice'
import { mock, type MockEngine, type MockExchange } from 'sluice/engines/mock'
import { decode } from 'sluice/plugins/decode'
import { compressible, encode, type EncodeOptions } from 'sluice/plugins/encode'
import { progress } from 'sluice/plugins/progress'
import { retry } from 'sluice/plugins/retry'
import { noise, pieces, sample } from './decode/encoded.ts'
import { decoded } from './encode/decoded.ts'
import { yielded } from './encode/sources.ts'

const URL = 'https://api.test/'
const CODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(100)
const BYTES = new TextEncoder().encode(TEXT)

type Headers = Readonly<Record<string, string>>

/** Sends bodies one after the other; what the engine was asked for. */
async function sent(
  engine: MockEngine,
  body: Body,
  options: Partial<EncodeOptions> = {},
  headers: Headers = {},
): Promise<MockExchange> {
  const client = createClient({ engine, plugins: [encode(options)] })
  await firstValueFrom(client.post(URL, body, { headers }))
  const last = engine.history.at(-1)
  if (last === undefined) throw new Error('nothing was sent')
  return last
}

function codingOf({ request }: MockExchange): string | undefined {
  return request.headers.get('content-encoding')
}

/** What a server makes of a request: its body without the coding. */
function received(exchange: MockExchange): Uint8Array {
  return decoded(codingOf(exchange), exchange.body.bytes)
}

describe.each(CODINGS)('%s', coding => {
  it.each([
    ['text', () => TEXT],
    ['bytes', () => BYTES],
    ['a buffer', () => BYTES.slice().buffer],
    ['a view of bytes', () => new Uint8Array(BYTES.buffer, 5, 3000)],
    ['parameters of a form', () => new URLSearchParams({ text: TEXT })],
    ['bytes too long to be compressed on the spot', () => sample(300_000)],
    ['a blob', () => new Blob([TEXT], { type: 'text/plain' })],
    ['a stream', () => new Blob([TEXT]).stream()],
    ['an Observable', () => of(BYTES, BYTES)],
    ['what a generator yields', () => yielded(...pieces(sample(200_000), 7000))],
    ['one chunk that is long', () => yielded(sample(1_000_000))],
    ['what a function makes', () => () => yielded(TEXT)],
    ['an object', () => ({ text: TEXT })],
  ] as const)('of %s is what was given', async (_, make) => {
    const engine = mock({ '*': 200 })
    const plain = mock({ '*': 200 })
    await firstValueFrom(createClient({ engine: plain, plugins: [] }).post(URL, make() as Body))
    const expected = plain.history[0]
    const exchange = await sent(engine, make() as Body, { coding })
    expect(codingOf(exchange)).toBe(coding)
    expect(Buffer.compare(received(exchange), expected?.body.bytes ?? new Uint8Array(0))).toBe(0)
    expect(exchange.body.length).toBeLessThan(expected?.body.length ?? 0)
    expect(exchange.request.headers.get('content-type')).toBe(expected?.request.headers.get('content-type'))
  })

  it('has a length where the body has one, and none where it is produced while it is sent', async () => {
    const known = await sent(mock({ '*': 200 }), BYTES, { coding })
    expect(known.request.headers.get('content-length')).toBe(String(known.body.length))
    const long = await sent(mock({ '*': 200 }), sample(300_000), { coding })
    expect(long.request.headers.get('content-length')).toBe(String(long.body.length))
    const blob = await sent(mock({ '*': 200 }), new Blob([TEXT]), { coding })
    expect(blob.request.headers.has('content-length')).toBe(false)
    expect(Buffer.from(received(blob)).toString()).toBe(TEXT)
  })

  it.each(['lowest', 'highest'] as const)('knows its %s level', async which => {
    const level = { gzip: [1, 9], deflate: [1, 9], br: [0, 11], zstd: [1, 22] }[coding][which === 'lowest' ? 0 : 1]
    for (const body of [BYTES, sample(100_000)]) {
      expect(Buffer.compare(received(await sent(mock({ '*': 200 }), body, { coding, level })), body)).toBe(0)
    }
  })
})

it('spends more time for fewer bytes where it is told to', async () => {
  const body = sample(200_000)
  const sizes = []
  for (const level of [1, 9]) sizes.push((await sent(mock({ '*': 200 }), body, { level })).body.length)
  expect(sizes[1]).toBeLessThan(sizes[0] ?? 0)
})

it('asks a peer for no window of more than 8 MiB', async () => {
  const body = new Uint8Array(40_000_000)
  const exchange = await sent(mock({ '*': 200 }), body, { coding: 'zstd', level: 22 })
  const { ZSTD_d_windowLogMax } = zlib.constants
  const back = zlib.zstdDecompressSync(exchange.body.bytes, { params: { [ZSTD_d_windowLogMax]: 23 } })
  expect(back.length).toBe(body.length)
}, 30_000)

describe('a body that stays as it is', () => {
  it.each<[string, Body, Partial<EncodeOptions>?, Headers?]>([
    ['is none', undefined],
    ['is empty', '', { threshold: 0 }],
    ['is below the threshold', 'x'.repeat(1023)],
    ['is below the threshold of the client', TEXT, { threshold: 10_000 }],
    ['is a blob below the threshold', new Blob(['x'.repeat(1023)])],
    ['would grow', noise(5000)],
    ['would grow, and is long', noise(100_000)],
    ['would not become smaller', sample(3), { threshold: 0 }],
    ['is a picture', BYTES, {}, { 'content-type': 'image/jpeg' }],
    ['is an archive', BYTES, {}, { 'Content-Type': 'Application/ZIP; x=y' }],
    ['is of no type the client wants', BYTES, { types: type => type === 'text/csv' }, { 'content-type': 'text/html' }],
    ['is encoded', zlib.gzipSync(BYTES.slice(0, 4000)), { threshold: 0 }, { 'content-encoding': 'gzip' }],
    ['is said to be not encoded', BYTES, {}, { 'Content-Encoding': 'identity' }],
    ['has a length on purpose', BYTES, {}, { 'content-length': String(BYTES.length) }],
    ['is a part', BYTES, {}, { 'content-range': `bytes 0-${BYTES.length - 1}/9999999` }],
    ['has a digest', BYTES, {}, { 'Content-Digest': 'sha-256=:AA==:' }],
    ['is a representation with a digest', BYTES, {}, { 'repr-digest': 'sha-256=:AA==:' }],
    ['has an old digest', BYTES, {}, { digest: 'sha-256=AA==' }],
    ['has a very old digest', BYTES, {}, { 'content-md5': 'AA==' }],
    ['is signed', BYTES, {}, { 'x-amz-content-sha256': 'ab' }],
    ['has a digest for S3', BYTES, {}, { 'x-amz-checksum-crc32': 'AAAAAA==' }],
    ['has a digest for Google', BYTES, {}, { 'X-Goog-Hash': 'crc32c=AAAAAA==' }],
    ['has a digest for Azure', BYTES, {}, { 'x-ms-content-crc64': 'AA==' }],
    ['is signed for Azure', BYTES, {}, { authorization: 'SharedKey account:AA==' }],
    ['is part of credentials', BYTES, {}, { authorization: 'Digest username="a", qop=auth-int, nc=00000001' }],
    ['is signed with the rest', BYTES, {}, { authorization: 'AWS4-HMAC-SHA256 Credential=a, Signature=b' }],
    ['is an upload by tus', BYTES, {}, { 'tus-resumable': '1.0.0', 'upload-offset': '0' }],
  ])('%s', async (_, body, options, headers) => {
    const engine = mock({ '*': 200 })
    const exchange = await sent(engine, body, options, headers)
    expect(exchange.request.headers.get('content-encoding')).toBe(
      Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-encoding')?.[1],
    )
    const plain = mock({ '*': 200 })
    await firstValueFrom(createClient({ engine: plain, plugins: [] }).post(URL, body, { headers }))
    expect(exchange.body.bytes).toEqual(plain.history[0]?.body.bytes)
    expect(exchange.request.headers.flat).toEqual(plain.history[0]?.request.headers.flat)
  })

  it('is left to the core where its headers are wrong', async () => {
    const client = createClient({ engine: mock({ '*': 200 }), plugins: [encode()] })
    const call = firstValueFrom(client.post(URL, BYTES, { headers: { 'content-length': '7' } }))
    await expect(call).rejects.toMatchObject({ code: 'CONFIG' })
  })

  it('is one of a call without it', async () => {
    const engine = mock({ '*': 200 })
    const client = createClient({ engine, plugins: [encode()] })
    await firstValueFrom(client.post(URL, TEXT, { encode: false }))
    await firstValueFrom(client.post(URL, TEXT, { encode: { coding: 'br' } }))
    expect(engine.history.map(codingOf)).toEqual([undefined, 'br'])
  })
})

it('begins at the threshold', async () => {
  expect(codingOf(await sent(mock({ '*': 200 }), 'x'.repeat(1024)))).toBe('gzip')
  expect(codingOf(await sent(mock({ '*': 200 }), 'x'.repeat(100), { threshold: 100 }))).toBe('gzip')
})

it('other digests, challenges and credentials say nothing of the bytes', async () => {
  const headers = { authorization: 'Digest username="auth-int", qop=auth', 'want-content-digest': 'sha-256=1' }
  expect(codingOf(await sent(mock({ '*': 200 }), BYTES, {}, headers))).toBe('gzip')
})

describe('types', () => {
  it.each([
    ['', true],
    ['text/html', true],
    ['application/json', true],
    ['application/vnd.api+json', true],
    ['application/octet-stream', true],
    ['application/wasm', true],
    ['multipart/form-data', true],
    ['image/svg+xml', true],
    ['image/bmp', true],
    ['audio/wav', true],
    ['font/ttf', true],
    ['image/png', false],
    ['image/avif', false],
    ['audio/mpeg', false],
    ['video/mp4', false],
    ['application/zip', false],
    ['application/gzip', false],
    ['application/zstd', false],
    ['application/pdf', false],
    ['application/epub+zip', false],
    ['application/vnd.something+zip', false],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', false],
    ['application/vnd.oasis.opendocument.text', false],
    ['application/grpc', false],
    ['application/grpc-web+proto', false],
    ['font/woff2', false],
  ])('%j: %s', (type, worth) => {
    expect(compressible(type)).toBe(worth)
  })

  it('are asked about in lower case, without parameters', async () => {
    const asked: string[] = []
    const types = (type: string): boolean => asked.push(type) > 0
    await sent(mock({ '*': 200 }), TEXT, { types }, { 'content-type': ' Text/CSV ;charset=utf-8' })
    await sent(mock({ '*': 200 }), BYTES, { types })
    await sent(mock({ '*': 200 }), yielded(TEXT), { types })
    expect(asked).toEqual(['text/csv', '', ''])
  })
})

describe('an answer 415', () => {
  /** Takes bodies with these codings alone, and says so where `says` is given. */
  const picky = (takes: readonly string[], says?: string, type = true) =>
    mock({
      '*': ({ request }) => {
        const coding = request.headers.get('content-encoding') ?? 'identity'
        if (type && takes.includes(coding)) return { body: 'ok' }
        return { status: 415, body: 'no', ...(says === undefined ? {} : { headers: { 'accept-encoding': says } }) }
      },
    })
  const codings = ({ history }: MockEngine) => history.map(exchange => codingOf(exchange) ?? 'identity')

  /** Sends several bodies with one client; the statuses of the answers. */
  async function post(
    engine: MockEngine,
    times: number,
    options: Partial<EncodeOptions> = {},
    body: () => Body = () => TEXT,
  ) {
    const client = createClient({ engine, plugins: [encode(options)] })
    const statuses = []
    for (let n = 0; n < times; n++) statuses.push((await firstValueFrom(client.post(URL, body()))).status)
    return statuses
  }

  it('is answered with the body as it is, once, and from then on at once', async () => {
    const engine = picky(['identity'])
    expect(await post(engine, 3)).toEqual([200, 200, 200])
    expect(codings(engine)).toEqual(['gzip', 'identity', 'identity', 'identity'])
    expect(engine.history.map(({ body }) => body.length)).toEqual([
      expect.any(Number),
      BYTES.length,
      BYTES.length,
      BYTES.length,
    ])
    expect(engine.history.map(({ request }) => request.attempt)).toEqual([1, 2, 1, 1])
    expect(engine.inFlight).toBe(0)
  })

  it.each<[string, string, string[], string[]]>([
    ['a coding it takes', 'br', ['br'], ['gzip', 'br', 'br']],
    ['several, of which one is preferred', 'deflate;q=0.5, br;q=0.8, zstd;q=0.1', ['br'], ['gzip', 'br', 'br']],
    ['several, of which the first is meant', 'zstd, br', ['zstd'], ['gzip', 'zstd', 'zstd']],
    ['in capitals', 'BR ; Q=0.5', ['br'], ['gzip', 'br', 'br']],
    ['none', '', ['identity'], ['gzip', 'identity', 'identity']],
    ['identity', 'identity', ['identity'], ['gzip', 'identity', 'identity']],
    ['one nobody knows', 'lzma', ['identity'], ['gzip', 'identity', 'identity']],
    ['only what it does not take', 'gzip;q=0', ['identity'], ['gzip', 'identity', 'identity']],
    ['everything but what was sent', 'gzip;q=0, *', ['identity'], ['gzip', 'identity', 'identity']],
    ['what makes no sense', ';;,q=1,\u00ff,=,gzip;q=2', ['identity'], ['gzip', 'identity', 'identity']],
    [
      'a bomb',
      Array.from({ length: 20_000 }, () => 'a;q=0.1').join(','),
      ['identity'],
      ['gzip', 'identity', 'identity'],
    ],
  ])('that names %s is heeded', async (_, says, takes, expected) => {
    const engine = picky(takes, says)
    expect(await post(engine, 2)).toEqual([200, 200])
    expect(codings(engine)).toEqual(expected)
  })

  it.each(['gzip', 'x-gzip', 'br, gzip;q=0.001', '*', 'br;q=0, *;q=0.1'])(
    'that names what was sent (%j) is about something else',
    async says => {
      const engine = picky(['identity'], says)
      expect(await post(engine, 2)).toEqual([415, 415])
      expect(codings(engine)).toEqual(['gzip', 'gzip'])
    },
  )

  it('that has another reason is handed on after the second try, and nothing is concluded from it', async () => {
    const engine = picky([], undefined, false)
    expect(await post(engine, 2)).toEqual([415, 415])
    expect(codings(engine)).toEqual(['gzip', 'identity', 'gzip', 'identity'])
  })

  it('to the coding it named itself ends that, too', async () => {
    const engine = picky(['identity'], 'br;q=0.5', true)
    engine.enqueue(
      { status: 415, headers: { 'accept-encoding': 'br' } },
      { status: 415, headers: { 'accept-encoding': 'zstd' } },
    )
    expect(await post(engine, 2)).toEqual([415, 200])
    expect(codings(engine)).toEqual(['gzip', 'br', 'identity'])
  })

  it('is the answer to a body that can be sent only once; the next one goes as it is', async () => {
    const engine = picky(['identity'])
    expect(await post(engine, 2, {}, () => yielded(TEXT))).toEqual([415, 200])
    expect(codings(engine)).toEqual(['gzip', 'identity'])
    const named = picky(['br'], 'br')
    expect(await post(named, 2, {}, () => yielded(TEXT))).toEqual([415, 200])
    expect(codings(named)).toEqual(['gzip', 'br'])
  })

  it('is answered with a stream that a function makes anew', async () => {
    const engine = picky(['identity'])
    expect(await post(engine, 1, {}, () => () => yielded(TEXT, TEXT))).toEqual([200])
    expect(engine.history[1]?.body.text()).toBe(TEXT + TEXT)
  })

  it('to what was not compressed is none of its business', async () => {
    const engine = picky([], 'br', false)
    expect(await post(engine, 1, {}, () => 'short')).toEqual([415])
    expect(await post(engine, 1, {}, () => noise(5000))).toEqual([415])
    expect(codings(engine)).toEqual(['identity', 'identity'])
  })

  it('counts for its origin, in its client', async () => {
    const engine = picky(['identity'])
    const client = createClient({ engine, plugins: [encode()] })
    const urls = [URL, `${URL}other?x`, 'https://b.test/', 'https://api.test:8443/', 'http://api.test/']
    for (const url of urls) await firstValueFrom(client.post(url, TEXT))
    expect(codings(engine)).toEqual([
      'gzip',
      'identity',
      'identity',
      ...urls.slice(2).flatMap(() => ['gzip', 'identity']),
    ])
    await post(engine, 1)
    expect(codings(engine).slice(-2)).toEqual(['gzip', 'identity'])
  })

  it('is forgotten for the oldest of more than a thousand origins', async () => {
    const engine = picky(['identity'], '')
    const client = createClient({ engine, plugins: [encode()] })
    const ask = (n: number) => firstValueFrom(client.post(`https://${n}.test/`, TEXT))
    for (let n = 0; n <= 1000; n++) await ask(n)
    const before = engine.history.length
    await ask(1)
    await ask(1000)
    expect(engine.history.length - before).toBe(2)
    await ask(0)
    expect(engine.history.length - before).toBe(4)
  })

  it('is not read: neither an endless body nor a bomb matters', async () => {
    const engine = mock({ '*': 200 })
    engine.enqueue({
      status: 415,
      headers: { 'content-encoding': 'nonsense' },
      chunks: (function* () {
        for (;;) yield new Uint8Array(65_536)
      })(),
    })
    const client = createClient({ engine, plugins: [decode(), encode()] })
    expect((await firstValueFrom(client.post(URL, TEXT))).status).toBe(200)
  })

  it('and what comes of it is told', async () => {
    const engine = picky(['br'], 'br')
    const client = createClient({ engine, plugins: [encode()] })
    const events = await lastValueFrom(client.events(URL, { method: 'POST', body: TEXT }).pipe(toArray()))
    expect(events.filter(({ type }) => type === 'notice')).toEqual([
      { type: 'notice', plugin: 'encode', name: 'refused', detail: { coding: 'gzip', instead: 'br' } },
    ])
    expect(events.filter(({ type }) => type === 'response')).toHaveLength(1)
  })

  it('that is read live is left for the next one, too', async () => {
    const client = createClient({ engine: picky(['identity']), plugins: [encode()] })
    const texts = client.stream(
      URL,
      async function* (response) {
        for await (const bytes of response) yield `${response.status} ${new TextDecoder().decode(bytes)}`
      },
      { method: 'POST', body: TEXT },
    )
    expect(await lastValueFrom(texts.pipe(toArray()))).toEqual(['200 ok'])
  })
})

describe('sending again', () => {
  it.each<[string, Body]>([
    ['bytes', BYTES],
    ['long bytes', sample(100_000)],
    ['a blob', new Blob([TEXT])],
    ['what a function makes', () => yielded(TEXT)],
  ])('compresses %s again', async (_, body) => {
    const engine = mock({ '*': 200 })
    engine.enqueue(503, 'RESET')
    const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), encode()] })
    await firstValueFrom(client.put(URL, body))
    const bodies = engine.history.map(exchange => Buffer.from(received(exchange)).toString('base64'))
    expect(bodies).toHaveLength(3)
    expect(new Set(bodies.filter((__, at) => at !== 1)).size).toBe(1)
  })

  it('is not done with a body that can be sent only once', async () => {
    const engine = mock({ '*': 200 })
    engine.enqueue(503)
    const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), encode()] })
    expect((await firstValueFrom(client.put(URL, yielded(TEXT)))).status).toBe(503)
    expect(engine.history).toHaveLength(1)
  })

  it('of a spent stream is the same error as without', async () => {
    const engine = mock({ '*': 200 })
    const client = createClient({ engine, plugins: [encode()] })
    const body = yielded(TEXT)
    await firstValueFrom(client.post(URL, body))
    await expect(firstValueFrom(client.post(URL, body))).rejects.toMatchObject({ code: 'BODY', phase: 'send' })
  })
})

describe('a source', () => {
  it('that fails is the error of the call', async () => {
    const cause = new Error('disk')
    const engine = mock({ '*': 200 })
    const client = createClient({ engine, plugins: [encode()] })
    const call = firstValueFrom(
      client.post(URL, async function* () {
        yield await Promise.resolve(TEXT)
        throw cause
      }),
    )
    await expect(call).rejects.toMatchObject({ code: 'BODY', phase: 'send', cause })
  })

  it('is returned once when the call is left, and its compressor is freed', async () => {
    const made = vi.spyOn(zlib, 'createGzip')
    try {
      const returned = vi.fn()
      const engine = mock({ '*': 200 })
      const client = createClient({ engine, plugins: [encode()] })
      const asked = Promise.withResolvers<undefined>()
      const body = {
        [Symbol.asyncIterator]: () => ({
          n: 0,
          next() {
            if (this.n++ < 3) return Promise.resolve({ done: false as const, value: noise(1000) })
            asked.resolve(undefined)
            return new Promise<never>(() => undefined)
          },
          return() {
            returned()
            return Promise.resolve({ done: true as const, value: undefined })
          },
        }),
      }
      const subscription = client.post(URL, body).subscribe()
      await asked.promise
      const stream = made.mock.results[0]?.value as { destroyed: boolean }
      expect(stream.destroyed).toBe(false)
      subscription.unsubscribe()
      expect(stream.destroyed).toBe(true)
      expect(returned).toHaveBeenCalledOnce()
      expect(engine.inFlight).toBe(0)
    } finally {
      made.mockRestore()
    }
  })

  it('that is never sent is given up as without', async () => {
    const cancel = vi.fn()
    const blocked = definePlugin({
      name: 'blocked',
      scope: 'wire',
      defaults: {},
      install: () => () => {
        throw new Error('no')
      },
    })
    const client = createClient({ engine: mock({ '*': 200 }), plugins: [encode(), blocked()] })
    await expect(firstValueFrom(client.post(URL, new ReadableStream({ cancel })))).rejects.toThrow('no')
    expect(cancel).toHaveBeenCalledOnce()
  })
})

it('long bytes are compressed beside the event loop, and nothing is sent when the call is left meanwhile', async () => {
  const engine = mock({ '*': 200 })
  const client = createClient({ engine, plugins: [encode()] })
  const subscription = client.post(URL, sample(5_000_000)).subscribe()
  await new Promise(resolve => setImmediate(resolve))
  expect(engine.history).toHaveLength(0)
  subscription.unsubscribe()
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(engine.history).toHaveLength(0)
  expect(client.inFlight).toBe(0)
})

describe('an engine that cannot send what has no length', () => {
  const limited = () => mock({ '*': 200 }, { capabilities: { streamingUpload: false } })

  it('is given bytes, compressed before', async () => {
    const exchange = await sent(limited(), new Blob([TEXT]))
    expect(codingOf(exchange)).toBe('gzip')
    expect(exchange.request.headers.get('content-length')).toBe(String(exchange.body.length))
    expect(Buffer.from(received(exchange)).toString()).toBe(TEXT)
  })

  it('is given the body itself where that does not help', async () => {
    const bytes = noise(50_000)
    const exchange = await sent(limited(), new Blob([bytes as Uint8Array<ArrayBuffer>]))
    expect(codingOf(exchange)).toBeUndefined()
    expect(Buffer.compare(exchange.body.bytes, bytes)).toBe(0)
  })

  it('a form, too', async () => {
    const form = new FormData()
    form.set('text', TEXT)
    form.set('file', new Blob([TEXT]), 'a.txt')
    const exchange = await sent(limited(), form)
    expect(codingOf(exchange)).toBe('gzip')
    expect(Buffer.from(received(exchange)).toString()).toContain(`filename="a.txt"`)
  })
})

it('progress counts the bytes that are sent', async () => {
  for (const plugins of [
    [progress({ interval: 0 }), encode()],
    [encode(), progress({ interval: 0 })],
  ]) {
    const engine = mock({ '*': 200 })
    const client = createClient({ engine, plugins })
    const events: HttpEvent[] = await lastValueFrom(client.events(URL, { method: 'POST', body: TEXT }).pipe(toArray()))
    const up = events.filter(event => event.type === 'progress' && event.way === 'up').at(-1)
    const size = engine.history[0]?.body.length
    expect(up).toMatchObject({ loaded: size, total: size, done: true })
    expect(size).toBeLessThan(1000)
  }
})

it('progress tells of both sends of a body that was refused with its coding, wherever it stands', async () => {
  for (const plugins of [
    [progress({ interval: 0 }), encode()],
    [encode(), progress({ interval: 0 })],
  ]) {
    const engine = mock({ '*': 200 }).enqueue(415)
    const client = createClient({ engine, plugins })
    const events: HttpEvent[] = await lastValueFrom(client.events(URL, { method: 'POST', body: TEXT }).pipe(toArray()))
    const ends = events.filter(event => event.type === 'progress' && event.way === 'up' && event.done === true)
    const sizes = engine.history.map(({ body }) => body.length)
    expect(sizes).toEqual([expect.any(Number), Buffer.byteLength(TEXT)])
    expect(ends).toMatchObject(sizes.map(loaded => ({ loaded, total: loaded })))
  }
})

describe('its place', () => {
  it('is inside of decode', () => {
    expect(() => createClient({ engine: mock(), plugins: [encode(), decode()] })).toThrow(
      /encode cannot stand before decode: an answer after which .* An order that works: \[decode, encode\]/,
    )
    const names = recommended(encode()).map(({ name }) => name)
    expect(names.indexOf('encode')).toBeGreaterThan(names.indexOf('decode'))
  })
})

it.each([
  [{ coding: 'lzma' }, /one of "gzip", "deflate", "br", "zstd", which is what this platform compresses with/],
  [{ threshold: -1 }, /whole number/],
  [{ threshold: false }, /whole number/],
  [{ types: ['text/html'] }, /a function/],
  [{ level: 0 }, /encode\(\{ level \}\) must be from 1 to 9 for gzip, not 0\./],
  [{ level: 10 }, /from 1 to 9 for gzip/],
  [{ level: 12, coding: 'br' }, /from 0 to 11 for br/],
  [{ level: 23, coding: 'zstd' }, /from 1 to 22 for zstd/],
  [{ level: 1.5 }, /whole number/],
  [{ min: 5 }, /no option/],
])('refuses %o', async (options, message) => {
  expect(() => encode(options as never)).toThrow(message)
  expect(() => encode(options as never)).toThrow(HttpError)
  const client = createClient({ engine: mock({ '*': 200 }), plugins: [encode()] })
  const error: unknown = await firstValueFrom(client.post(URL, TEXT, { encode: options as never })).catch(
    (reason: unknown) => reason,
  )
  expect(isHttpError(error) && error.code).toBe('CONFIG')
  expect((error as HttpError).message).toMatch(message)
})
