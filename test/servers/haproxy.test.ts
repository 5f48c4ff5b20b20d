import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpResponse } from 'sluice'
import { retry } from 'sluice/plugins/retry'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { app, Made, parallel } from './app.ts'
import { CONTENDERS, urlOf } from './contenders.ts'
import { haproxy, type Haproxy } from './haproxy.ts'

let behind: TestServer
let server: Haproxy

beforeAll(async () => {
  behind = await app()
  server = await haproxy(behind.port)
})

afterAll(async () => {
  await server.close()
  await behind.close()
})

describe.each(CONTENDERS)('$name and HAProxy', contender => {
  let client: Client

  beforeEach(() => {
    client = createClient({ engine: contender.engine(), baseUrl: urlOf(contender, server.doors), plugins: [] })
  })

  afterEach(() => client.close())

  const get = (url: string): Promise<HttpResponse> => firstValueFrom(client.get(url))

  it('speak the protocol they agreed on', async () => {
    const response = await get('small')
    expect(response.text()).toBe('small')
    expect(response.connection).toMatchObject({ protocol: contender.protocol, reused: false })
    expect((await get('small')).connection?.reused).toBe(true)
    expect((await get('chunks')).text()).toBe('one two three')
    expect((await firstValueFrom(client.post('echo', 'spoken'))).text()).toBe('spoken')
  })

  it('carry a large body up, whole', async () => {
    const made = new Made(200)
    const response = await firstValueFrom(client.post('count', () => made.pieces()))
    expect(response.json()).toEqual({ length: 200 * 65_536, hash: made.hash })
  })

  it('take 503 for an answer when there is no server, or none that listens', async () => {
    for (const path of ['nobody', 'refusing']) {
      const response = await get(path)
      expect(response.status).toBe(503)
      expect(response.text()).toContain('<html>')
    }
    expect((await get('small')).text()).toBe('small')
  })

  it('take 504 for an answer when the server behind is too slow', async () => {
    expect((await get('slow')).status).toBe(504)
    expect((await get('small')).text()).toBe('small')
  })

  it('agree on 408 or an end when the body stops coming', async () => {
    const stuck = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(10)
      await new Promise(() => undefined)
    }
    const made = await firstValueFrom(client.post('count', stuck)).then(
      ({ status }) => status,
      (error: unknown) => (isHttpError(error) ? error.code : error),
    )
    expect([408, 504, 'RESET']).toContain(made)
    expect((await get('small')).text()).toBe('small')
  })

  it('succeed 300 times of 300 although connections are closed after 250 ms without a request', async () => {
    const answers = await parallel(300, 8, async number => {
      const answer = (await get('small')).text()
      if (number % 25 === 0) await new Promise(resolve => setTimeout(resolve, 245 + (number % 11)))
      return answer
    })
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
  })

  it('call it BODY when the answer breaks off', async () => {
    const error = await get('cut').catch((reason: unknown) => reason)
    expect(isHttpError(error) && [error.code, error.phase]).toEqual(['BODY', 'body'])
  })

  it('see 503 while the server behind is out of service, which a retry bridges', async () => {
    await server.serving(false)
    expect((await get('small')).status).toBe(503)
    let repaired: Promise<void> | undefined
    const patient = client.with(
      retry({
        times: 5,
        delay: () => 50,
        onRetry: () => {
          repaired ??= server.serving(true)
        },
      }),
    )
    expect((await firstValueFrom(patient.get('small'))).text()).toBe('small')
    await repaired
  })
})
