import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpResponse } from 'sluice'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { app, Made, parallel } from './app.ts'
import { PLATFORMS, urlOf } from './contenders.ts'
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

describe.each(PLATFORMS)('$name and nginx', contender => {
  let client: Client

  beforeEach(() => {
    client = createClient({ engine: contender.engine(), baseUrl: urlOf(contender, server.doors), plugins: [] })
  })

  afterEach(() => client.close())

  const get = (url: string): Promise<HttpResponse> => firstValueFrom(client.get(url))

  it('know answers with and without a body, compressed and in chunks', async () => {
    expect((await get('text.txt')).text()).toBe(TEXT)
    expect((await firstValueFrom(client.head('text.txt'))).bytes).toHaveLength(0)
    expect((await get('app/chunks')).text()).toBe('one two three')
    expect((await get('nowhere')).status).toBe(404)
  })

  it('carry large bodies in both directions, whole', async () => {
    const size = await firstValueFrom(
      client.stream('large.bin', async response => {
        let bytes = 0
        for await (const chunk of response) bytes += chunk.length
        return bytes
      }),
    )
    expect(size).toBe(LARGE)
    const made = new Made(200)
    const response = await firstValueFrom(client.post('app/count', () => made.pieces()))
    expect(response.json()).toEqual({ length: 200 * 65_536, hash: made.hash })
  })

  it('agree on 413 while the body is still moving', async () => {
    for (let time = 0; time < 5; time++) {
      const made = new Made(100_000)
      expect((await firstValueFrom(client.post('limited', () => made.pieces()))).status).toBe(413)
      await expect.poll(() => made.ended, { interval: 1 }).toBe(1)
      expect(made.taken).toBeLessThan(100_000)
    }
  })

  it('succeed 1000 times of 1000 at ten requests a connection, 8 at a time', async () => {
    const answers = await parallel(1000, 8, async () => (await get('small')).text())
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
  })

  it('call it BODY when the answer breaks off', async () => {
    const error = await get('app/cut').catch((reason: unknown) => reason)
    expect(isHttpError(error) && [error.code, error.phase]).toEqual(['BODY', 'body'])
  })
})
