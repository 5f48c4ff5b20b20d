import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpResponse } from 'sluice'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Made, parallel } from './app.ts'
import { CONTENDERS, urlOf } from './contenders.ts'
import { LARGE, nghttpd, type Nghttpd } from './nghttpd.ts'

let server: Nghttpd

beforeAll(async () => {
  server = await nghttpd()
})

afterAll(() => server.close())

describe.each(CONTENDERS.filter(({ protocol }) => protocol === 'http/1.1'))('$name and nghttpd', contender => {
  it('have no protocol in common, which is an error and no hang', async () => {
    await using client = createClient({ engine: contender.engine(), plugins: [] })
    const error = await firstValueFrom(client.get(urlOf(contender, server.doors))).catch((reason: unknown) => reason)
    if (!isHttpError(error)) throw error
    // With TLS nghttpd shakes hands, finds that nothing was agreed on, and hangs up; without, it answers in frames.
    expect([error.code, error.phase]).toEqual([contender.door === 'tls' ? 'RESET' : 'PROTOCOL', 'headers'])
    expect(error.message).toMatch(/before its answer was there: the server closed the connection|is not HTTP\/1\.1/)
  })
})

describe.each(CONTENDERS.filter(({ protocol }) => protocol !== 'http/1.1'))('$name and nghttpd', contender => {
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
    expect(response.trailers.get('checked')).toBe('yes')
    expect((await get('small')).connection?.reused).toBe(true)
    expect((await firstValueFrom(client.head('small'))).bytes).toHaveLength(0)
    expect((await get('nowhere')).status).toBe(404)
  })

  it('carry large bodies in both directions, whole', async () => {
    expect((await get('large.bin')).bytes).toHaveLength(LARGE)
    const made = new Made(100)
    const echo = await firstValueFrom(client.post('echo', () => made.pieces()))
    expect(echo.bytes).toHaveLength(100 * 65_536)
    await expect.poll(() => made.ended, { interval: 1 }).toBe(1)
  })

  it('never have more streams than eight, and serve a hundred requests at a time', async () => {
    const answers = await parallel(300, 100, async () => (await get('small')).text())
    expect(answers.filter(answer => answer !== 'small')).toEqual([])
  })
})
