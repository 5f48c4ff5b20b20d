import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { createClient, isHttpError, type HttpError } from 'sluice'
import { mock, type MockChunk, type MockReply } from 'sluice/engines/mock'
import { decode, type DecodeOptions } from 'sluice/plugins/decode'
import { CODINGS } from '../../../plugins/decode/web-zlib.ts'
import { encode, ENCODINGS, joined, named, noise, pieces, sample, type Encoding } from './encoded.ts'

// The plugin as a platform without Node's zlib has it.
vi.mock('#zlib', () => import('../../../plugins/decode/web-zlib.ts'))

const LARGE = sample(200_000)
const able = ENCODINGS.filter(encoding => CODINGS.some(coding => coding === named(encoding)))

function clientOf(answer: MockReply, options: Partial<DecodeOptions> = {}) {
  const engine = mock({ '*': answer })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [decode(options)] }) }
}

function encoded(encoding: Encoding, chunks: readonly MockChunk[]): MockReply {
  return { headers: { 'content-encoding': named(encoding) }, chunks }
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isHttpError(error)) return error
  throw new Error('no HttpError', { cause: error })
}

it('knows what the platform has', () => {
  expect(CODINGS).toEqual(expect.arrayContaining(['gzip', 'deflate']))
})

it('says UNSUPPORTED of a coding that others have and this platform has not', async () => {
  const missing = ENCODINGS.find(encoding => !able.includes(encoding))
  if (missing === undefined) return
  const error = await errorOf(firstValueFrom(clientOf(encoded(missing, [encode(missing, LARGE)])).client.get('a')))
  expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'decode' })
  expect(error.message).toContain('which this platform cannot decode; it can decode')
})

describe.each(able)('%s by DecompressionStream', encoding => {
  const body = encode(encoding, LARGE)

  it.each([body.length, 5000, 100])('is decoded from pieces of %i bytes, whole and live', async size => {
    const { client } = clientOf(encoded(encoding, pieces(body, size)))
    expect(Buffer.compare((await firstValueFrom(client.get('a'))).bytes, LARGE)).toBe(0)
    const live = await lastValueFrom(client.stream('a', response => response).pipe(toArray()))
    expect(Buffer.compare(joined(...live), LARGE)).toBe(0)
  })

  it('is an error when it is cut off, corrupt, or something else', async () => {
    const broken = body.slice()
    broken[body.length >> 1] = (broken[body.length >> 1] ?? 0) ^ 255
    for (const chunks of [
      [body.slice(0, -1)],
      [body.slice(0, 1000)],
      [broken.slice(0, -2)],
      ['<html>nothing</html>'],
    ]) {
      const { client, engine } = clientOf(encoded(encoding, chunks))
      expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'BODY', phase: 'decode' })
      expect(engine.inFlight).toBe(0)
    }
  })

  it('is held to the limits', async () => {
    const { client } = clientOf(encoded(encoding, [encode(encoding, new Uint8Array(20_000_000))]))
    expect((await errorOf(firstValueFrom(client.get('a')))).message).toContain('1000 times its size')
    const size = (await errorOf(firstValueFrom(client.get('a', { decode: { ratio: false, maxBytes: 100_000 } }))))
      .message
    expect(size).toContain('more than the 100000 bytes')
  })

  it('waits for its reader, and is ended by leaving', async () => {
    let given = 0
    const body = encode(encoding, noise(4 * 1024 * 1024))
    const chunks = {
      *[Symbol.iterator]() {
        for (const chunk of pieces(body, 8192)) {
          given += chunk.length
          yield chunk
        }
      },
    }
    const { client, engine } = clientOf({ headers: { 'content-encoding': named(encoding) }, chunks })
    const subscription = client.stream('a', () => new Promise(() => undefined)).subscribe()
    await vi.waitFor(() => {
      expect(engine.paused).toBe(1)
    })
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(given).toBeLessThan(1024 * 1024)
    subscription.unsubscribe()
    expect(engine.inFlight).toBe(0)
  })
})

// Node 22 tells of them for these two only, and there is no way to find out by ourselves.
it.each(['gzip', 'deflate'] as const)('%s is an error when bytes follow after its end', async encoding => {
  const { client } = clientOf(encoded(encoding, [joined(encode(encoding, LARGE), Uint8Array.of(1, 2, 3))]))
  expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'BODY', phase: 'decode' })
})
