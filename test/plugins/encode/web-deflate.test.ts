import { firstValueFrom } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { createClient, type Body } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { encode, type EncodeOptions } from 'sluice/plugins/encode'
import { CODINGS } from '../../../plugins/encode/web-deflate.ts'
import { noise, pieces, sample } from '../decode/encoded.ts'
import { decoded } from './decoded.ts'
import { opened, yielded } from './sources.ts'

// The plugin as a platform without Node's zlib has it.
vi.mock('#deflate', () => import('../../../plugins/encode/web-deflate.ts'))

const SMALL = sample(3000)
const LARGE = sample(200_000)

function clientOf(options: Partial<EncodeOptions> = {}) {
  const engine = mock({ '*': 200 })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [encode(options)] }) }
}

it('knows gzip and deflate at least', () => {
  expect(CODINGS).toEqual(expect.arrayContaining(['gzip', 'deflate']))
})

describe.each(CODINGS)('%s', coding => {
  it.each<[string, Body, Uint8Array, boolean]>([
    ['short bytes', SMALL, SMALL, true],
    ['long bytes', LARGE, LARGE, true],
    ['a blob', new Blob([LARGE]), LARGE, false],
    ['a stream', () => new Blob([LARGE]).stream(), LARGE, false],
    ['pieces', () => yielded(...pieces(LARGE, 777)), LARGE, false],
  ])('is put on %s', async (_, body, bytes, counted) => {
    const { engine, client } = clientOf({ coding })
    await firstValueFrom(client.post('a', body))
    const [exchange] = engine.history
    expect(exchange?.request.headers.get('content-encoding')).toBe(coding)
    expect(exchange?.request.headers.has('content-length')).toBe(counted)
    expect(Buffer.compare(decoded(coding, exchange?.body.bytes ?? SMALL), bytes)).toBe(0)
    expect(exchange?.body.length).toBeLessThan(bytes.length)
  })
})

it('bytes that would grow stay as they are', async () => {
  const { engine, client } = clientOf()
  for (const size of [2000, 300_000]) await firstValueFrom(client.post('a', noise(size)))
  expect(engine.history.map(({ request }) => request.headers.has('content-encoding'))).toEqual([false, false])
})

it('a source is pulled as it is taken, and returned once when it is left', async () => {
  const engine = mock({ '*': { early: 1, stall: 'headers' } })
  const client = createClient({ engine, plugins: [encode()] })
  let [given, returns] = [0, 0]
  const chunks = (function* () {
    for (;;) yield noise((given += 1000) && 1000)
  })()
  const subscription = client
    .post(
      'https://api.test/',
      opened(chunks, undefined, () => returns++),
    )
    .subscribe()
  await vi.waitFor(() => {
    expect(engine.history[0]?.body.length).toBeGreaterThan(0)
  })
  subscription.unsubscribe()
  await vi.waitFor(() => {
    expect(returns).toBe(1)
  })
  const before = given
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(given - before).toBeLessThanOrEqual(1000)
  expect(returns).toBe(1)
})

it('the error of a source is that of the call', async () => {
  const { client } = clientOf()
  const cause = new Error('disk')
  const call = firstValueFrom(
    client.post('a', async function* () {
      yield* yielded(LARGE)
      throw cause
    }),
  )
  await expect(call).rejects.toMatchObject({ code: 'BODY', phase: 'send', cause })
})

it('a level cannot be asked for', () => {
  expect(() => encode({ level: 6 })).toThrow('encode({ level }) must be left out on this platform')
})

it('nor can a coding that the platform has not, in a sentence that says what it has', async () => {
  vi.resetModules()
  vi.stubGlobal('CompressionStream', function (format: string) {
    if (format !== 'gzip' && format !== 'deflate') throw new TypeError(format)
  })
  vi.doMock('#deflate', () => import('../../../plugins/encode/web-deflate.ts'))
  try {
    const { encode: elsewhere } = await import('../../../plugins/encode.ts')
    for (const coding of ['br', 'zstd'] as const)
      expect(() => elsewhere({ coding })).toThrow(
        `encode({ coding }) must be one of "gzip", "deflate", which is what this platform compresses with, not "${coding}".`,
      )
  } finally {
    vi.unstubAllGlobals()
  }
})
