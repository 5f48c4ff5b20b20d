import { firstValueFrom, lastValueFrom, take } from 'rxjs'
import { createClient, type EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { cache, memoryCache } from 'sluice/plugins/cache'
import { decode } from 'sluice/plugins/decode'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { chunks } from 'sluice/streams/chunks'
import { reply, serve, type Routes } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import { soon } from './stores.ts'

const fresh = { 'cache-control': 'max-age=60' }

const engines: readonly (readonly [string, EngineFactory, 'h2c' | undefined])[] = [
  ['undici', undici(), undefined],
  ['http', http(), undefined],
  ['http2', http2({ mode: 'h2c' }), 'h2c'],
  ['fetch', fetch(), undefined],
]

describe.each(engines)('with %s', (name, engine, protocol) => {
  async function world(routes: Routes, store = memoryCache()) {
    const server = await serve(routes, protocol === undefined ? {} : { protocol })
    const client = createClient({
      engine,
      baseUrl: server.url,
      plugins: [redirect(), retry({ delay: () => 0 }), cache({ store }), decode()],
    })
    return {
      server,
      client,
      store,
      async [Symbol.asyncDispose]() {
        await client.close()
        await server.close()
      },
    }
  }

  it('the second answer comes from the cache', async () => {
    await using at = await world({ 'GET /': reply.json({ a: 1 }, { headers: fresh }) })
    const first = await firstValueFrom(at.client.get(''))
    const second = await firstValueFrom(at.client.get(''))
    expect(second.json()).toEqual(first.json())
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(at.server.requests).toHaveLength(1)
  })

  const decodes = name === 'fetch'

  it('a compressed answer is kept as it was read, where we decode it', async () => {
    const body = gzipSync('plain '.repeat(1000))
    await using at = await world({
      'GET /': { headers: { ...fresh, 'content-encoding': 'gzip', vary: 'accept-encoding' }, body },
    })
    const first = await firstValueFrom(at.client.get(''))
    const second = await firstValueFrom(at.client.get(''))
    expect(second.text()).toBe('plain '.repeat(1000))
    if (!decodes) expect(second.headers.get('content-encoding')).toBeUndefined()
    expect(first.text()).toBe(second.text())
    expect(at.server.requests).toHaveLength(decodes ? 2 : 1)
  })

  it('a compressed answer that is cut off is not kept', async () => {
    const body = gzipSync('plain '.repeat(1000)).subarray(0, 20)
    await using at = await world({ 'GET /': { headers: { ...fresh, 'content-encoding': 'gzip' }, body } })
    // Some platforms take what there is for the whole.
    await firstValueFrom(at.client.get('', { retry: false })).catch(() => undefined)
    expect(at.store.size).toBe(0)
  })

  it('a 304 leaves its connection to the next request', async () => {
    const headers = { 'cache-control': 'no-cache', etag: '"1"' }
    await using at = await world({
      'GET /': request =>
        request.header('if-none-match') === '"1"' ? reply.status(304, { headers }) : reply.text('one', { headers }),
    })
    for (let n = 0; n < 4; n++) expect((await firstValueFrom(at.client.get(''))).text()).toBe('one')
    expect(at.server.requests).toHaveLength(4)
    expect(
      at.server.requests.slice(1).every(({ headers: sent }) => JSON.stringify(sent).includes('if-none-match')),
    ).toBe(true)
    // What a platform does with its connections is its own affair.
    if (name !== 'fetch') expect(at.server.connections).toHaveLength(1)
  })

  it('a redirect is kept, and followed again', async () => {
    await using at = await world({
      'GET /from': reply.redirect('/to', { status: 301, headers: { ...fresh } }),
      'GET /to': reply.text('there', { headers: fresh }),
    })
    for (let n = 0; n < 2; n++) expect((await firstValueFrom(at.client.get('from'))).text()).toBe('there')
    expect(at.server.requests).toHaveLength(2)
  })

  it('a redirect whose body was thrown away is no answer for one who wants it', async () => {
    await using at = await world({
      'GET /from': { status: 301, headers: { ...fresh, location: '/to' }, body: 'moved' },
      'GET /to': reply.text('there', { headers: fresh }),
    })
    await firstValueFrom(at.client.get('from'))
    const plain = await firstValueFrom(at.client.get('from', { redirect: false }))
    expect([plain.status, plain.text()]).toEqual([301, 'moved'])
    expect((await firstValueFrom(at.client.get('from', { redirect: false }))).text()).toBe('moved')
    expect(at.server.requests).toHaveLength(3)
  })

  it('a stream that was read to its end is kept while it is read', async () => {
    await using at = await world({ 'GET /': reply.bytes(1_000_000, { headers: fresh, framing: 'chunked' }) })
    const read = async (): Promise<number> => {
      let size = 0
      const counted = (bytes: Uint8Array): [] => {
        size += bytes.length
        return []
      }
      await lastValueFrom(at.client.stream('', chunks(counted)), { defaultValue: undefined })
      return size
    }
    expect(await read()).toBe(1_000_000)
    expect(await read()).toBe(1_000_000)
    expect((await firstValueFrom(at.client.get(''))).bytes.length).toBe(1_000_000)
    expect(at.server.requests).toHaveLength(1)
  })

  it('a stream that was left is not kept', async () => {
    await using at = await world({ 'GET /': reply.bytes(4_000_000, { headers: fresh }) })
    await firstValueFrom(at.client.stream('', chunks()).pipe(take(1)))
    expect(at.store.size).toBe(0)
    expect((await firstValueFrom(at.client.get(''))).bytes.length).toBe(4_000_000)
    expect(at.server.requests).toHaveLength(2)
  })

  it.each(['reset', 'fin'] as const)('a stream that broke off (%s) is not kept', async kind => {
    await using at = await world({
      'GET /': { headers: fresh, body: new Uint8Array(500_000), fault: { kind, at: 'mid-body', bytes: 100_000 } },
    })
    await expect(lastValueFrom(at.client.stream('', chunks(), { retry: false }))).rejects.toMatchObject({
      name: 'HttpError',
    })
    expect(at.store.size).toBe(0)
  })

  it('a store that is too slow is given up, and the reader does not wait for it', async () => {
    const begun: string[] = []
    const store = Object.assign(memoryCache(), {
      begin: () => ({
        write: () => soon(() => undefined, 60_000),
        commit: () => void begun.push('committed'),
        abort: () => void begun.push('aborted'),
      }),
    })
    await using at = await world({ 'GET /': reply.bytes(6_000_000, { headers: fresh }) }, store)
    let size = 0
    const counted = (bytes: Uint8Array): [] => {
      size += bytes.length
      return []
    }
    const start = performance.now()
    await lastValueFrom(at.client.stream('', chunks(counted)), { defaultValue: undefined })
    expect(size).toBe(6_000_000)
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(begun).toEqual(['aborted'])
  })

  it('a POST drops what is kept, over the wire too', async () => {
    let version = 1
    await using at = await world({
      'GET /': () => reply.text(`version ${version}`, { headers: fresh }),
      'POST /': () => {
        version++
        return reply.status(204)
      },
    })
    expect((await firstValueFrom(at.client.get(''))).text()).toBe('version 1')
    await firstValueFrom(at.client.post(''))
    expect((await firstValueFrom(at.client.get(''))).text()).toBe('version 2')
  })
})
