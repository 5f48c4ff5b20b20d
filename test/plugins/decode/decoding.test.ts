import zlib from 'node:zlib'
import { firstValueFrom } from 'rxjs'
import { expect, it, vi } from 'vitest'
import { createClient } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { decode } from 'sluice/plugins/decode'
import { Decoding, type Failure } from '../../../plugins/decode/decoding.ts'
import { encode, ENCODINGS, named, noise, sample, type Encoding } from './encoded.ts'

const LIMITS = { maxBytes: false, ratio: false } as const

function open(...encodings: readonly Encoding[]) {
  const source = { pause: vi.fn(), resume: vi.fn() }
  const seen = { bytes: 0, ended: false, failure: undefined as Failure | undefined }
  const codings = encodings.map(encoding => named(encoding) as 'gzip')
  const decoding = new Decoding(codings, LIMITS, source, true, {
    data(bytes) {
      seen.bytes += bytes.length
    },
    end() {
      seen.ended = true
    },
    error(failure) {
      seen.failure = failure
    },
  })
  return { decoding, source, seen }
}

/** Lets everything that is on its way arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(resolve => setImmediate(resolve))
}

it.each(ENCODINGS)('%s that was on its way when the reader paused waits for it', async encoding => {
  const { decoding, source, seen } = open(encoding)
  decoding.pause()
  decoding.write(encode(encoding, new Uint8Array(5_000_000)))
  decoding.end()
  await settle()
  expect(source.pause).toHaveBeenCalled()
  expect(seen).toEqual({ bytes: 0, ended: false, failure: undefined })
  decoding.resume()
  await vi.waitFor(() => {
    expect(seen).toEqual({ bytes: 5_000_000, ended: true, failure: undefined })
  })
})

it('stops in the middle, with little more than a chunk on its way, and goes on', async () => {
  const { decoding, seen } = open('gzip', 'br')
  decoding.write(encode('br', encode('gzip', sample(3_000_000))))
  decoding.end()
  await vi.waitFor(() => {
    expect(seen.bytes).toBeGreaterThan(0)
  })
  decoding.pause()
  const { bytes } = seen
  await settle()
  expect(seen.bytes - bytes).toBeLessThanOrEqual(256 * 1024)
  decoding.resume()
  await vi.waitFor(() => {
    expect(seen).toEqual({ bytes: 3_000_000, ended: true, failure: undefined })
  })
})

it('asks the source to wait while the decoder has enough, and to go on when it has not', async () => {
  const { decoding, source, seen } = open('gzip')
  const body = encode('gzip', noise(1_000_000))
  decoding.write(body)
  expect(source.pause).toHaveBeenCalledOnce()
  expect(source.resume).not.toHaveBeenCalled()
  await vi.waitFor(() => {
    expect(source.resume).toHaveBeenCalledOnce()
  })
  decoding.end()
  await vi.waitFor(() => {
    expect(seen.ended).toBe(true)
  })
})

it('does not let the source go on while the reader pauses', async () => {
  const { decoding, source } = open('gzip')
  decoding.write(encode('gzip', noise(300_000)).slice(0, 290_000))
  decoding.pause()
  await settle()
  expect(source.resume).not.toHaveBeenCalled()
  decoding.destroy()
})

it('tells nothing more once it is destroyed', async () => {
  const { decoding, seen } = open('zstd')
  decoding.write(encode('zstd', sample(1_000_000)))
  decoding.destroy()
  decoding.write(new Uint8Array(5))
  decoding.end()
  decoding.resume()
  await settle()
  expect(seen).toEqual({ bytes: 0, ended: false, failure: undefined })
})

it('decodes a short body that is gathered on the spot, without a stream', async () => {
  const made = vi.spyOn(zlib, 'createGunzip')
  try {
    const engine = mock({ '*': { headers: { 'content-encoding': 'gzip' }, body: encode('gzip', sample(3000)) } })
    const client = createClient({ engine, plugins: [decode()] })
    let size = 0
    client.get('https://api.test/').subscribe(response => {
      size = response.bytes.length
    })
    expect(size).toBe(3000)
    expect(made).not.toHaveBeenCalled()
    engine.enqueue({ headers: { 'content-encoding': 'gzip' }, body: encode('gzip', noise(50_000)) })
    expect((await firstValueFrom(client.get('https://api.test/'))).bytes.length).toBe(50_000)
    expect(made).toHaveBeenCalledOnce()
  } finally {
    made.mockRestore()
  }
})
