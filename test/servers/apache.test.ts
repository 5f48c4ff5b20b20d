import { setTimeout as delay } from 'node:timers/promises'
import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpResponse } from 'sluice'
import { decode } from 'sluice/plugins/decode'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apache, LARGE, TEXT, type Apache } from './apache.ts'
import { app, Made, parallel } from './app.ts'
import { CONTENDERS, urlOf } from './contenders.ts'

let behind: TestServer
let server: Apache

beforeAll(async () => {
  behind = await app()
  server = await apache(behind.port)
})

afterAll(async () => {
  await server.close()
  await behind.close()
})

describe.each(CONTENDERS)('$name and Apache', contender => {
  let client: Client

  beforeEach(() => {
    client = createClient({ engine: contender.engine(), baseUrl: urlOf(contender, server.doors), plugins: [] })
  })

  afterEach(() => client.close())

  const get = (url: string, headers: Record<string, string> = {}): Promise<HttpResponse> =>
    firstValueFrom(client.get(url, { headers }))

  it('speak the protocol they agreed on', async () => {
    const response = await get('small')
    expect(response.text()).toBe('small')
    expect(response.connection).toMatchObject({ protocol: contender.protocol, reused: false })
  })

  it('know answers that have no body: HEAD and 304', async () => {
    const head = await firstValueFrom(client.head('text.txt'))
    expect([head.status, head.bytes.length]).toEqual([200, 0])
    const etag = (await get('text.txt')).headers.get('etag') ?? ''
    expect((await get('text.txt', { 'if-none-match': etag })).status).toBe(304)
    expect((await get('small')).text()).toBe('small')
  })

  it('know what is deflated on the way, in chunks', async () => {
    const response = await firstValueFrom(client.with(decode({ accept: ['gzip'] })).get('text.txt'))
    expect(response.text()).toBe(TEXT)
    const raw = await get('text.txt', { 'accept-encoding': 'gzip' })
    expect(raw.headers.get('content-encoding')).toBe('gzip')
    expect(raw.bytes.length).toBeLessThan(TEXT.length / 10)
  })

  it('carry large bodies in both directions, whole', async () => {
    // The upload first: over a connection that was used it could meet the end of Apache's 50 ms, and is not to be repeated.
    const made = new Made(200)
    const response = await firstValueFrom(client.post('app/count', () => made.pieces()))
    expect(response.json()).toEqual({ length: 200 * 65_536, hash: made.hash })
    expect((await get('large.bin')).bytes).toHaveLength(LARGE)
    expect((await get('app/chunks')).text()).toBe('one two three')
  })

  it('agree on 413, and go on', async () => {
    // A stream of HTTP/2 it may answer before it has counted.
    const right = contender.protocol === 'http/1.1' ? [413] : [413, 200]
    for (let time = 0; time < 20; time++) {
      const made = new Made(100_000)
      const response = await firstValueFrom(client.post('limited', () => made.pieces()))
      expect(right).toContain(response.status)
      await expect.poll(() => made.ended, { interval: 1 }).toBe(1)
      // Some go into the buffers of the kernel, none after the answer.
      expect(made.taken).toBeLessThan(400)
    }
    expect(right).toContain((await firstValueFrom(client.post('limited', new Uint8Array(16 * 1024 * 1024)))).status)
    expect((await firstValueFrom(client.post('limited', 'short'))).text()).toBe('small')
  })

  it('succeed 500 times of 500 at ten requests a connection', async () => {
    const answers = await parallel(500, 8, async () => (await get('small')).text())
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
  })

  it('succeed although connections are closed at the moment they are to be used again', async () => {
    // Apache waits 50 ms for the next request.
    const answers = await parallel(120, 4, async number => {
      const answer = (await get('small')).text()
      await delay(45 + (number % 11))
      return answer
    })
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
  })

  it('call it BODY when the answer of the server behind breaks off', async () => {
    const error = await get('app/cut').catch((reason: unknown) => reason)
    expect(isHttpError(error) && [error.code, error.phase]).toEqual(['BODY', 'body'])
  })
})
