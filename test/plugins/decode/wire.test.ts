import zlib from 'node:zlib'
import { firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createClient, recommended, type Client, type OptionsOf } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { ENCODED } from 'sluice/plugins/decode'
import { reply, serve, type Reply, type Routes, type TestServer } from 'sluice/testing'
import { encode, ENCODINGS, named, noise, pieces, sample } from './encoded.ts'

const BODY = sample(300_000)
const SMALL = sample(2000)

let server: TestServer | undefined
let client: Client<OptionsOf<ReturnType<typeof recommended<readonly []>>[number]>>

async function open(routes: Routes): Promise<TestServer> {
  server = await serve(routes)
  client = createClient({ engine: undici(), baseUrl: server.url, plugins: recommended() })
  return server
}

beforeEach(() => {
  server = undefined
})
afterEach(async () => {
  client.cancel()
  await client.join()
  await server?.close()
})

describe.each(ENCODINGS)('%s from a socket', encoding => {
  const headers = { 'content-encoding': named(encoding), 'content-type': 'text/plain' }

  it.each(['length', 'chunked', 'close'] as const)('is decoded, framed by %s', async framing => {
    const made = await open({
      'GET /large': { headers, body: encode(encoding, BODY), framing },
      'GET /small': { headers, body: encode(encoding, SMALL), framing },
    })
    expect(Buffer.compare((await firstValueFrom(client.get('large'))).bytes, BODY)).toBe(0)
    const small = await firstValueFrom(client.get('small'))
    expect(Buffer.compare(small.bytes, SMALL)).toBe(0)
    expect(small.request.read(ENCODED)?.get('content-encoding')).toBe(named(encoding))
    expect(made.requests[0]?.headers['accept-encoding']).toBe('zstd, br, gzip, deflate')
  })

  it('that a server cuts off properly is noticed by the coding alone', async () => {
    await open({ 'GET /': { headers, body: encode(encoding, BODY).slice(0, -5), framing: 'close' } })
    await expect(firstValueFrom(client.get('', { retry: false }))).rejects.toMatchObject({
      code: 'BODY',
      phase: 'decode',
    })
  })

  it('that a server breaks off is the fault of the connection, not of the coding', async () => {
    const body = encode(encoding, BODY)
    await open({ 'GET /': { headers, body, fault: { kind: 'reset', at: 'mid-body', bytes: body.length - 5 } } })
    const call = firstValueFrom(client.get('', { retry: false }))
    await expect(call).rejects.toMatchObject({ phase: 'body' })
  })
})

it('holds the server back while a reader is busy, and closes the socket when it leaves', async () => {
  const body = encode('gzip', noise(24 * 1024 * 1024))
  const made = await open({
    'GET /': { ...reply.chunks(pieces(body, 65_536)), headers: { 'content-encoding': 'gzip' }, framing: 'chunked' },
  })
  let read = 0
  const subscription = client
    .stream('', async response => {
      read += (await response.read())?.length ?? 0
      await new Promise(() => undefined)
    })
    .subscribe()
  await vi.waitFor(() => {
    expect(read).toBeGreaterThan(0)
  })
  // What the server has sent stays the same from some turn of the loop on.
  let sent = -1
  for (let still = 0; still < 20;) {
    await new Promise(resolve => setImmediate(resolve))
    const now = made.connections[0]?.bytesOut ?? 0
    still = now === sent ? still + 1 : 0
    sent = now
  }
  expect(sent).toBeLessThan(8 * 1024 * 1024)
  subscription.unsubscribe()
  const { closedBy } = await made.closed(1, 1000)
  expect(closedBy).toMatch(/^client/)
})

it('does not decode what nobody reads: a bomb on a redirect and on a retried answer', async () => {
  const bomb = new Uint8Array(zlib.brotliCompressSync(Buffer.alloc(64 * 1024 * 1024)))
  const headers = { 'content-encoding': 'br' }
  let asked = 0
  await open({
    'GET /moved': { ...reply.redirect('/busy', { headers }), body: bomb },
    'GET /busy': (): Reply => (asked++ === 0 ? { status: 503, headers, body: bomb } : reply.text('done')),
  })
  const response = await firstValueFrom(client.get('moved', { retry: { delay: () => 0 } }))
  expect(response.text()).toBe('done')
})

it('fails a bomb with TOO_LARGE and closes its socket', async () => {
  const bomb = new Uint8Array(zlib.brotliCompressSync(Buffer.alloc(64 * 1024 * 1024)))
  const made = await open({
    'GET /': {
      headers: { 'content-encoding': 'br' },
      ...reply.chunks([bomb, noise(100_000)]),
      fault: { kind: 'stall', at: 'mid-body', bytes: bomb.length + 50_000 },
    },
  })
  await expect(firstValueFrom(client.get(''))).rejects.toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
  expect((await made.closed(1, 1000)).closedBy).toMatch(/^client/)
  expect(made.requests).toHaveLength(1)
})
