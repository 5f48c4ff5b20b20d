import zlib from 'node:zlib'
import fc from 'fast-check'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createClient, isHttpError } from 'sluice'
import { mock, type MockChunk } from 'sluice/engines/mock'
import { decode } from 'sluice/plugins/decode'
import { encode as encodeRequests } from 'sluice/plugins/encode'
import { yielded } from '../encode/sources.ts'
import { encode, ENCODINGS, joined, named, noise, pieces, sample, type Encoding } from './encoded.ts'

type Way = 'whole' | 'live'

/** What comes out of an answer: its bytes, or the error it ended with. */
async function decoded(encodings: readonly Encoding[], chunks: readonly MockChunk[], way: Way): Promise<unknown> {
  const headers = { 'content-encoding': encodings.map(named).join(', ') }
  const client = createClient({ engine: mock({ '*': { headers, chunks } }), plugins: [decode()] })
  const url = 'https://api.test/'
  const bytes =
    way === 'whole'
      ? firstValueFrom(client.get(url)).then(response => response.bytes)
      : lastValueFrom(client.stream(url, response => response).pipe(toArray())).then(all => joined(...all))
  return bytes.catch((error: unknown) => error)
}

/** Cuts bytes into pieces of a size, but not into thousands of them. */
function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return pieces(bytes, Math.max(size, Math.ceil(bytes.length / 100)))
}

function stacked(encodings: readonly Encoding[], bytes: Uint8Array): Uint8Array {
  return encodings.reduce<Uint8Array>((inner, encoding) => encode(encoding, inner), bytes)
}

const encodings = fc.array(fc.constantFrom(...ENCODINGS), { minLength: 1, maxLength: 5 })
const body = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3000 }),
  fc.integer({ min: 1, max: 40_000 }).map(sample),
  fc.integer({ min: 1, max: 40_000 }).map(size => new Uint8Array(size)),
  fc.integer({ min: 1, max: 40_000 }).map(noise),
)
const piece = fc.integer({ min: 1, max: 40_000 })
const way = fc.constantFrom<Way>('whole', 'live')
const small = sample(50)

it('up to five codings come off whatever the body is and however it is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(encodings, body, piece, way, async (codings, bytes, size, how) => {
      const out = await decoded(codings, cut(stacked(codings, bytes), size), how)
      if (!(out instanceof Uint8Array)) throw out
      expect(Buffer.compare(out, bytes)).toBe(0)
    }),
    { numRuns: 100 },
  )
})

it('a body that ends too early is an error wherever that is, and never a short success', async () => {
  await fc.assert(
    fc.asyncProperty(encodings, body, fc.nat(), piece, way, async (codings, bytes, at, size, how) => {
      const whole = stacked(codings, bytes)
      const begun = whole.slice(0, 1 + (at % (whole.length - 1)))
      expectFailed(await decoded(codings, cut(begun, size), how))
    }),
    { numRuns: 150 },
  )
})

describe.each(ENCODINGS)('%s', encoding => {
  it('ends too early at each of its bytes, short or long', async () => {
    for (const bytes of [sample(1), sample(200), new Uint8Array(500), noise(100)]) {
      const whole = encode(encoding, bytes)
      for (let at = 1; at < whole.length; at++)
        for (const how of ['whole', 'live'] as const) expectFailed(await decoded([encoding], [whole.slice(0, at)], how))
    }
  })

  it('with anything behind its end is an error, but for another member of gzip or zstd', async () => {
    const whole = encode(encoding, small)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 40 }),
          // What looks like the beginning of one more.
          fc.integer({ min: 1, max: whole.length - 1 }).map(size => whole.slice(0, size)),
        ),
        piece,
        fc.boolean(),
        way,
        async (more, size, apart, how) => {
          const chunks = apart ? [whole, 1, more] : cut(joined(whole, more), size)
          expectFailed(await decoded([encoding], chunks, how))
        },
      ),
      { numRuns: 100 },
    )
  })
})

it('what encode sends, decode takes', async () => {
  const engine = mock({
    '*': ({ request, body: sent }) => ({
      headers: { 'content-encoding': request.headers.get('content-encoding') ?? 'identity' },
      chunks: pieces(sent.bytes, 5000),
    }),
  })
  const client = createClient({ engine, plugins: [decode(), encodeRequests({ threshold: 0 })] })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('gzip', 'deflate', 'br', 'zstd'),
      body,
      fc.option(piece),
      async (coding, bytes, size) => {
        const given = size === null ? bytes : () => yielded(...cut(bytes, size))
        const response = await firstValueFrom(client.post('https://api.test/', given, { encode: { coding } }))
        expect(Buffer.compare(response.bytes, bytes)).toBe(0)
      },
    ),
    { numRuns: 100 },
  )
})

it('brotli with a window larger than its RFC has is corrupt', async () => {
  const { BROTLI_PARAM_LARGE_WINDOW, BROTLI_PARAM_LGWIN } = zlib.constants
  const params = { [BROTLI_PARAM_LARGE_WINDOW]: 1, [BROTLI_PARAM_LGWIN]: 28 }
  const whole = new Uint8Array(zlib.brotliCompressSync(sample(50_000), { params }))
  for (const how of ['whole', 'live'] as const) expectFailed(await decoded(['br'], [whole], how))
})

it('the window of zstd may be 8 MiB and not more', async () => {
  const { ZSTD_c_windowLog } = zlib.constants
  const framed = (windowLog: number, size = 20_000_000) =>
    new Uint8Array(zlib.zstdCompressSync(new Uint8Array(size), { params: { [ZSTD_c_windowLog]: windowLog } }))
  const fits = await decoded(['zstd'], pieces(framed(23), 1000), 'live')
  // Zeros grow more than a thousand times; what matters is that the window is no reason.
  expect(fits).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('1000 times') as string })
  // The second has no window of its own: all of it is one.
  for (const over of [framed(24), framed(25, 10_000_000)]) {
    const out = await decoded(['zstd'], pieces(over, 1000), 'live')
    expect(out).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('RFC 9659') as string })
  }
})

function expectFailed(outcome: unknown): void {
  if (!isHttpError(outcome)) throw new Error('it was taken for whole', { cause: outcome })
  expect(outcome).toMatchObject({ code: 'BODY', phase: 'decode' })
}
