import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpResponse } from 'sluice'
import { decode } from 'sluice/plugins/decode'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { app, Made, parallel } from './app.ts'
import { CONTENDERS, urlOf } from './contenders.ts'
import { LARGE, nginx, TEXT, type Nginx } from './nginx.ts'

let behind: TestServer
let server: Nginx

beforeAll(async () => {
  behind = await app()
  server = await nginx(behind.port)
})

afterAll(async () => {
  await server.close()
  await behind.close()
})

describe.each(CONTENDERS)('$name and nginx', contender => {
  let client: Client

  beforeEach(() => {
    client = createClient({ engine: contender.engine(), baseUrl: urlOf(contender, server.doors), plugins: [] })
  })

  afterEach(() => client.close())

  const get = (url: string, headers: Record<string, string> = {}): Promise<HttpResponse> =>
    firstValueFrom(client.get(url, { headers }))

  it('speak the protocol they agreed on, and say over which connection', async () => {
    const first = await get('small')
    expect(first.text()).toBe('small')
    expect(first.connection).toMatchObject({
      protocol: contender.protocol,
      remoteAddress: '127.0.0.1',
      remotePort: server.doors[contender.door],
      reused: false,
    })
    if (contender.door === 'tls') {
      expect(first.connection?.tls).toMatchObject({ version: 'TLSv1.3', resumed: false })
      expect(first.connection?.tls?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    }
    const { connected = Number.NaN, sent = Number.NaN, firstByte = Number.NaN, done = Number.NaN } = first.timings
    expect([connected, sent, firstByte, done].toSorted((a, b) => a - b)).toEqual([connected, sent, firstByte, done])
    expect(connected).toBeGreaterThan(0)
    expect((await get('small')).connection).toMatchObject({ id: first.connection?.id, reused: true })
  })

  it('know answers that have no body: HEAD, 304 and 204', async () => {
    const whole = await get('text.txt')
    expect(whole.text()).toBe(TEXT)
    const head = await firstValueFrom(client.head('text.txt'))
    expect(head).toMatchObject({ status: 200 })
    expect(head.headers.get('content-length')).toBe(String(TEXT.length))
    expect(head.bytes).toHaveLength(0)
    const etag = whole.headers.get('etag') ?? ''
    expect(await get('text.txt', { 'if-none-match': etag })).toMatchObject({ status: 304 })
    const last = await get('small')
    expect(last.text()).toBe('small')
    expect(last.connection?.id).toBe(whole.connection?.id)
  })

  it('know a part of a file, and one that is not there', async () => {
    const part = await get('text.txt', { range: 'bytes=10-19' })
    expect([part.status, part.text()]).toEqual([206, TEXT.slice(10, 20)])
    expect((await get('nowhere')).status).toBe(404)
  })

  it('know gzip', async () => {
    const response = await firstValueFrom(client.with(decode({ accept: ['gzip'] })).get('text.txt'))
    expect(response.text()).toBe(TEXT)
    const raw = await get('text.txt', { 'accept-encoding': 'gzip' })
    expect(raw.headers.get('content-encoding')).toBe('gzip')
    expect(raw.bytes.length).toBeLessThan(TEXT.length / 10)
  })

  it('pass bodies on in both directions', async () => {
    expect((await firstValueFrom(client.post('app/echo', 'spoken'))).text()).toBe('spoken')
    expect((await get('app/chunks')).text()).toBe('one two three')
    expect((await firstValueFrom(client.put('app/echo', ''))).status).toBe(404)
  })

  it('carry a large answer, whole', async () => {
    const size = await firstValueFrom(
      client.stream('large.bin', async response => {
        let bytes = 0
        for await (const chunk of response) bytes += chunk.length
        return bytes
      }),
    )
    expect(size).toBe(LARGE)
  })

  it('carry a large body of unknown length up, whole', async () => {
    const made = new Made(400)
    const response = await firstValueFrom(client.post('app/count', () => made.pieces()))
    expect(response.json()).toEqual({ length: 400 * 65_536, hash: made.hash })
    await expect.poll(() => made.ended, { interval: 1 }).toBe(1)
  })

  it('carry a large body of known length up, whole', async () => {
    const bytes = new Uint8Array(8 * 1024 * 1024).fill(7)
    const response = await firstValueFrom(client.post('app/count', bytes))
    expect(response.json()).toMatchObject({ length: bytes.length })
  })

  it('agree on 413 while the body is still moving, and go on', async () => {
    for (let time = 0; time < 20; time++) {
      const made = new Made(100_000)
      const response = await firstValueFrom(client.post('limited', () => made.pieces()))
      expect(response.status).toBe(413)
      await expect.poll(() => made.ended, { interval: 1 }).toBe(1)
      // Some go into the buffers of the kernel, none after the answer.
      expect(made.taken).toBeLessThan(400)
    }
    const refused = await firstValueFrom(client.post('limited', new Uint8Array(4 * 1024 * 1024)))
    expect(refused.status).toBe(413)
    expect((await firstValueFrom(client.post('limited', 'short'))).text()).toBe('short')
  })

  it('succeed 1000 times of 1000 at ten requests a connection, 8 at a time, beside a long download', async () => {
    const long = await longDownload(client)
    const answers = await parallel(1000, 8, async number => {
      const response = await firstValueFrom(number % 4 === 3 ? client.post('app/echo', 'small') : client.get('small'))
      return `${response.status} ${response.text()}`
    })
    expect(answers.filter(answer => answer !== '200 small')).toEqual([])
    expect(await long.finish()).toBe(LARGE)
    const most = Math.max(...(await server.read('access.log')).trim().split('\n').map(requestsOf))
    expect(most).toBe(10)
  })

  it('succeed 400 times of 400 while nginx is reloaded, and the long download goes on', async () => {
    const long = await longDownload(client)
    const reloads: Promise<void>[] = []
    const answers = await parallel(400, 8, async number => {
      if (number % 100 === 50) reloads.push(server.reload())
      return (await get('small')).text()
    })
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
    expect(await long.finish()).toBe(LARGE)
    // A worker that is about to end would answer the next test with the end of its connection.
    await Promise.all(reloads)
    const workers = new Set((await server.read('access.log')).split('\n').map(line => line.split(' ')[0]))
    expect(workers.size).toBeGreaterThan(2)
  })

  it('call it RESET when there is no answer', async () => {
    const error = await get('gone').catch((reason: unknown) => reason)
    // On a stream of HTTP/2 nginx says PROTOCOL_ERROR where it closes a connection of HTTP/1.1.
    const right = contender.protocol === 'http/1.1' ? 'RESET' : 'PROTOCOL'
    expect(isHttpError(error) && [error.code, error.phase]).toEqual([right, 'headers'])
  })

  it('call it BODY when the answer breaks off', async () => {
    const error = await get('app/cut').catch((reason: unknown) => reason)
    expect(isHttpError(error) && [error.code, error.phase]).toEqual(['BODY', 'body'])
  })
})

/** Begins to read the large file and stops after the first bytes; `finish()` reads the rest and answers with its size. */
async function longDownload(client: Client): Promise<{ finish: () => Promise<number> }> {
  const gate = Promise.withResolvers<undefined>()
  const began = Promise.withResolvers<undefined>()
  const size = firstValueFrom(
    client.stream('large.bin', async response => {
      let bytes = (await response.read())?.length ?? 0
      began.resolve(undefined)
      await gate.promise
      for await (const chunk of response) bytes += chunk.length
      return bytes
    }),
  )
  await Promise.race([began.promise, size])
  const finish = (): Promise<number> => {
    gate.resolve(undefined)
    return size
  }
  return { finish }
}

/** How many requests there were on the connection of a line of the log. */
function requestsOf(line: string): number {
  return Number(line.split(' ').at(-1))
}

describe.each(CONTENDERS)('$name and an nginx that is stopped and started', contender => {
  it('tell what failed, and go on by themselves', async () => {
    await using backend = await app()
    const first = await nginx(backend.port)
    await using client = createClient({ engine: contender.engine(), plugins: [] })
    const url = `${urlOf(contender, first.doors)}small`
    expect((await firstValueFrom(client.get(url))).text()).toBe('small')
    await first.close()
    const error = await firstValueFrom(client.get(url)).catch((reason: unknown) => reason)
    expect(isHttpError(error) && [error.code, error.phase]).toEqual(['CONNECT', 'connect'])
    await using second = await nginx(backend.port, first.ports)
    expect(second.ports).toEqual(first.ports)
    expect((await firstValueFrom(client.get(url))).text()).toBe('small')
  })
})
