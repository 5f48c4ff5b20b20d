import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createClient, isHttpError, type HttpError } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { bodyLimit } from 'sluice/plugins/body-limit'
import { decode, type DecodeOptions } from 'sluice/plugins/decode'
import { pieces } from './encoded.ts'

const MIB = 1024 * 1024

/** A decompressor's worst input: zeros, written piece by piece so that making it costs little memory. */
async function bomb(stream: Transform, size: number): Promise<Uint8Array> {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  const zeros = Buffer.alloc(MIB)
  for (let written = 0; written < size; written += MIB) {
    if (!stream.write(zeros)) await new Promise(resolve => stream.once('drain', resolve))
  }
  stream.end()
  await new Promise(resolve => stream.once('end', resolve))
  return new Uint8Array(Buffer.concat(parts))
}

const { BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY } = zlib.constants
const brotli = (): zlib.BrotliCompress =>
  zlib.createBrotliCompress({ params: { [BROTLI_PARAM_QUALITY]: 6, [BROTLI_PARAM_LGWIN]: 24 } })

const gzip = await bomb(zlib.createGzip({ level: 9 }), 256 * MIB)
const br = await bomb(brotli(), 256 * MIB)
const zstd = await bomb(zlib.createZstdCompress(), 256 * MIB)
const deflate = await bomb(zlib.createDeflate({ level: 9 }), 256 * MIB)
const BOMBS: readonly (readonly [name: string, coding: string, body: Uint8Array])[] = [
  ['gzip', 'gzip', gzip],
  ['deflate', 'deflate', deflate],
  ['br', 'br', br],
  ['zstd', 'zstd', zstd],
  ['gzip in gzip', 'gzip, gzip', new Uint8Array(zlib.gzipSync(gzip))],
  ['gzip in br', 'gzip, br', new Uint8Array(zlib.brotliCompressSync(gzip))],
  ['gzip in zstd in br', 'gzip, zstd, br', new Uint8Array(zlib.brotliCompressSync(zlib.zstdCompressSync(gzip)))],
]

async function explode(
  coding: string,
  body: Uint8Array,
  options: Partial<DecodeOptions>,
  way: 'whole' | 'live',
): Promise<HttpError> {
  const engine = mock({ '*': { headers: { 'content-encoding': coding }, chunks: pieces(body, 16_384) } })
  const client = createClient({ engine, plugins: [bodyLimit(), decode(options)] })
  const call =
    way === 'whole'
      ? firstValueFrom(client.get('https://api.test/'))
      : lastValueFrom(
          client.stream('https://api.test/', async response => {
            while ((await response.read()) !== undefined);
          }),
        )
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(engine.inFlight).toBe(0)
  if (isHttpError(error)) return error
  throw new Error('it did not go off', { cause: error })
}

/** How much more memory than before this process had at most while `work` ran. */
async function cost(work: () => Promise<void>): Promise<number> {
  global.gc?.()
  const before = process.memoryUsage.rss()
  let most = before
  let running = true
  const watch = (): void => {
    most = Math.max(most, process.memoryUsage.rss())
    if (running) setImmediate(watch)
  }
  watch()
  try {
    await work()
  } finally {
    running = false
  }
  return most - before
}

describe('256 MiB of zeros', () => {
  it('are few bytes on the wire', () => {
    expect(br.length).toBeLessThan(1000)
    expect(gzip.length).toBeLessThan(300_000)
  })

  it.each(BOMBS)('in %s are refused by their ratio, and cost little', async (_, coding, body) => {
    const bytes = await cost(async () => {
      for (const way of ['whole', 'live'] as const) {
        const error = await explode(coding, body, {}, way)
        expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
        expect(error.message).toContain('decodes to more than 1000 times its size')
      }
    })
    expect(bytes).toBeLessThan(40 * MIB)
  })

  it.each(BOMBS)('in %s cost at most twice the limit without it', async (_, coding, body) => {
    const bytes = await cost(async () => {
      const error = await explode(coding, body, { ratio: false, maxBytes: 32 * MIB }, 'whole')
      expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
    })
    expect(bytes).toBeLessThan(64 * MIB)
  })

  it('ten at a time are no worse than ten limits', async () => {
    const bytes = await cost(async () => {
      const errors = await Promise.all(
        Array.from({ length: 10 }, () => explode('gzip', gzip, { ratio: false, maxBytes: 4 * MIB }, 'whole')),
      )
      expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 'TOO_LARGE'))
    })
    expect(bytes).toBeLessThan(80 * MIB)
  })
})
