/** Basic at Apache and nginx, and Digest at Apache, as they really are. */
import { setTimeout as delay } from 'node:timers/promises'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { createClient, type HttpEvent } from 'sluice'
import { basic } from 'sluice/plugins/basic'
import { digest } from 'sluice/plugins/digest'
import type { TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADA } from './accounts.ts'
import { apache, type Apache } from './apache.ts'
import { app } from './app.ts'
import { CONTENDERS, PLATFORMS, urlOf } from './contenders.ts'
import { nginx, type Nginx } from './nginx.ts'

let behind: TestServer
let apaches: Apache
let nginxes: Nginx

beforeAll(async () => {
  behind = await app()
  apaches = await apache(behind.port)
  nginxes = await nginx(behind.port)
})

afterAll(async () => {
  await apaches.close()
  await nginxes.close()
  await behind.close()
})

const WRONG = { ...ADA, password: 'wrong' }

/** How often a call was asked who it is. */
const asked = (events: readonly HttpEvent[]): number =>
  events.filter(event => event.type === 'notice' && event.name === 'answering').length

const answerOf = (events: readonly HttpEvent[]): [number, string] => {
  const last = events.at(-1)
  if (last?.type !== 'response') throw new Error('no answer')
  return [last.response.status, last.response.text()]
}

describe.each([...CONTENDERS, ...PLATFORMS])('$name', contender => {
  const secure = contender.door === 'tls'

  it.each([
    ['Apache', () => apaches.doors],
    ['nginx', () => nginxes.doors],
  ] as const)('is let in by Basic at %s, unasked only where nobody can read along', async (_, doors) => {
    const client = createClient({
      engine: contender.engine(),
      baseUrl: urlOf(contender, doors()),
      plugins: [basic(ADA)],
    })
    const events = (options = {}): Promise<HttpEvent[]> =>
      lastValueFrom(client.events('basic/small', options).pipe(toArray()))
    const first = await events()
    expect([answerOf(first), asked(first)]).toEqual([[200, 'for ada'], secure ? 0 : 1])
    const second = await events()
    expect([answerOf(second), asked(second)]).toEqual([[200, 'for ada'], 0])
    expect(answerOf(await events({ basic: WRONG }))[0]).toBe(401)
    expect(answerOf(await events({ basic: false }))[0]).toBe(401)
    await client.close()
  })

  const proving = (options = {}) =>
    createClient({
      engine: contender.engine(),
      baseUrl: urlOf(contender, apaches.doors),
      plugins: [digest({ ...ADA, md5OverHttp: !secure, ...options })],
    })

  it('is let in by Digest at Apache, asked once, and Apache proves itself too', async () => {
    const client = proving()
    const events = (url: string, options = {}): Promise<HttpEvent[]> =>
      lastValueFrom(client.events(url, options).pipe(toArray()))
    const first = await events('digest/small?with=query&and=%22')
    expect([answerOf(first), asked(first)]).toEqual([[200, 'for ada'], 1])
    const [last] = first.slice(-1)
    expect(last?.type === 'response' && last.response.headers.get('authentication-info')).toContain('rspauth=')
    for (let time = 0; time < 25; time++) {
      const next = await events(`digest/small?${time}`)
      expect([answerOf(next), asked(next)]).toEqual([[200, 'for ada'], 0])
    }
    // What the challenge does not name is another space.
    for (const times of [1, 0, 0, 0]) {
      const other = await events('strict/small')
      expect([answerOf(other), asked(other)]).toEqual([[200, 'for ada'], times])
    }
    // It does count there: what was said once is not taken a second time.
    const strict = await firstValueFrom(client.get('strict/small'))
    const said = strict.request.headers.get('authorization') ?? ''
    expect(said).toContain('nc=00000005')
    expect((await firstValueFrom(client.get('strict/small', { headers: { authorization: said } }))).status).toBe(401)
    const refused = await events('digest/small', { digest: { password: 'wrong' } })
    expect([answerOf(refused)[0], asked(refused)]).toEqual([401, 1])
    await client.close()
  })

  it('is let in by Digest a hundred times at once, and with live bodies', async () => {
    const client = proving()
    const all = Array.from({ length: 100 }, (_, at) => firstValueFrom(client.get(`digest/small?${at}`)))
    for (const one of all) expect((await one).status).toBe(200)
    const read = client.stream('digest/small', response => response)
    expect(Buffer.concat(await lastValueFrom(read.pipe(toArray()))).toString()).toBe('for ada')
    await client.close()
  })

  it('gives Apache another proof when the nonce is too old', async () => {
    const client = proving()
    expect((await firstValueFrom(client.get('short/small'))).status).toBe(200)
    // Time is what this is about: nonces there are good for one second.
    await delay(2100)
    const events = await lastValueFrom(client.events('short/small').pipe(toArray()))
    expect(answerOf(events)).toEqual([200, 'for ada'])
    expect(events).toContainEqual(
      expect.objectContaining({ name: 'answering', detail: expect.objectContaining({ stale: true }) as object }),
    )
    await client.close()
  })
})

describe.each([...CONTENDERS, ...PLATFORMS].filter(({ door }) => door !== 'tls'))('$name without TLS', contender => {
  it('does not prove anything by MD5 unless that is what was said', async () => {
    const client = createClient({
      engine: contender.engine(),
      baseUrl: urlOf(contender, apaches.doors),
      plugins: [digest(ADA)],
    })
    await expect(firstValueFrom(client.get('digest/small'))).rejects.toMatchObject({ code: 'BLOCKED' })
    await client.close()
  })
})
