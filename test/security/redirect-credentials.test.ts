import { firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, isHttpError } from 'sluice'
import { redirect } from 'sluice/plugins/redirect'
import type { Reply, RequestAccount } from 'sluice/testing'
import { CONTENDERS, DIFFERENCES, World } from './world.ts'

/** Headers that say who one is, each with a value nobody else has. */
const NAMES = [
  'Authorization',
  'Cookie',
  'WWW-Authenticate',
  'X-API-Key',
  'X-Auth-Token',
  'X-Access-Token',
  'X-CSRF-Token',
  'X-Amz-Security-Token',
  'X-Vault-Token',
  'PRIVATE-TOKEN',
  'Api-Key',
  'X-Whatever-Comes-Next',
]
const SECRETS = Object.fromEntries(NAMES.map((name, at) => [name, `s3cret-${at}`]))
/** And some that do not: with these one sees that headers arrive at all. */
const HARMLESS = { 'accept-language': 'en', 'user-agent': 'proof' }

/** Where a chain goes after its first request, by letter. */
const CHAINS = ['BA', 'BB', 'BAA', 'BAB', 'BBA'] as const

describe.each(CONTENDERS)('$name', contender => {
  let world: World
  let origin: string
  /** What each request of a chain is answered with, by its path. */
  const plan = new Map<string, Reply>()

  beforeAll(async () => {
    world = await World.open(contender, ({ path }) => plan.get(path) ?? { status: 200, body: 'there' })
    origin = world.home
  })
  afterAll(() => world[Symbol.asyncDispose]())

  /** Plans a chain that begins at home; its first url. */
  function chain(hops: string, foreign: string, status = 302): string {
    const places = `A${hops}`.split('').map((letter, at) => `${letter === 'A' ? origin : foreign}/${at}`)
    plan.clear()
    for (const [at, place] of places.slice(1).entries()) plan.set(`/${at}`, { status, headers: { location: place } })
    return places[0] ?? ''
  }

  /** Sends a request along a chain; what the servers saw of it. */
  async function follow(
    url: string,
    how: { method?: string; body?: string; headers?: Readonly<Record<string, string>>; keepHeaders?: string[] } = {},
  ): Promise<readonly RequestAccount[]> {
    const before = new Set(world.requests)
    const client = createClient({
      engine: contender.make(),
      plugins: [redirect({ allowDowngrade: true, keepHeaders: how.keepHeaders })],
    })
    try {
      const response = await firstValueFrom(
        client.request(how.method ?? 'GET', url, {
          body: how.body,
          headers: { ...SECRETS, ...HARMLESS, ...how.headers },
        }),
      )
      expect(response.status).toBe(200)
    } finally {
      await client.close()
    }
    return world.requests.filter(request => !before.has(request))
  }

  describe.each(DIFFERENCES)('to an origin that differs in its %s', (_, of) => {
    it.each(CHAINS)('A→%s: none of twelve secrets leaves home, none comes back', async hops => {
      const foreign = of(world)
      if (foreign === undefined) {
        // The engine does not go there at all: it says so, and the server of the other scheme does not exist.
        expect(contender.other).toBeUndefined()
        return
      }
      const [first, ...later] = await follow(chain(hops, foreign))
      for (const [name, value] of Object.entries(SECRETS)) expect(first?.headers[name.toLowerCase()]).toBe(value)
      expect(later).toHaveLength(hops.length)
      for (const request of later) expectClean(request)
    })
  })

  it('would notice a header that is taken along', async () => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    const [, second, third] = await follow(chain('BB', foreign), { keepHeaders: ['PRIVATE-TOKEN'] })
    for (const request of [second, third]) {
      expect(request?.headers['private-token']).toBe(SECRETS['PRIVATE-TOKEN'])
      expect(() => request && expectClean(request)).toThrow(/private-token/)
    }
  })

  it.each([301, 303, 307, 308])('a %i is no different, with a body or without', async status => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    for (const how of [{}, { method: 'POST', body: 'hello' }, { method: 'PUT', body: 'hello' }]) {
      const [first, ...later] = await follow(chain('BA', foreign, status), how)
      expect(first?.headers['x-api-key']).toBe(SECRETS['X-API-Key'])
      expect(later).toHaveLength(2)
      for (const request of later) expectClean(request)
    }
  })

  it('a user in the Location of another origin is refused before anything is sent there', async () => {
    for (const user of ['evil:pw@', 'evil@', ':pw@']) {
      const foreign = `${world.scheme}://${user}b.test:${world.b.port}`
      const before = world.requests.length
      const error: unknown = await follow(chain('B', foreign)).catch((reason: unknown) => reason)
      expect(isHttpError(error) && error.code).toBe('PROTOCOL')
      expect(world.requests.length - before).toBe(1)
    }
  })

  it('a user in the Location of the same origin becomes nobody’s credentials', async () => {
    const foreign = origin.replace('://', '://evil:pw@')
    const [, second] = await follow(chain('B', foreign))
    expect(second?.headers['authorization']).toBe(SECRETS['Authorization'])
  })

  it('credentials for a proxy cannot be given in a header at all', async () => {
    const before = world.requests.length
    const headers = { 'Proxy-Authorization': 'Basic c2VjcmV0' }
    const error: unknown = await follow(`${origin}/0`, { headers }).catch((reason: unknown) => reason)
    expect(isHttpError(error) && error.code).toBe('CONFIG')
    expect(world.requests).toHaveLength(before)
  })

  it('a user in the url of the call is home’s alone', async () => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    const before = new Set(world.requests)
    const client = createClient({ engine: contender.make(), plugins: [redirect()] })
    await firstValueFrom(client.get(chain('BA', foreign).replace('://', '://ada:s3cret@')))
    await client.close()
    const [first, ...later] = world.requests.filter(request => !before.has(request))
    expect(first?.headers['authorization']).toBe(`Basic ${btoa('ada:s3cret')}`)
    expect(later.map(({ headers }) => headers['authorization'])).toEqual([undefined, undefined])
  })
})

/** Nothing of what was said at home stands anywhere in the head of a request. */
function expectClean({ rawHeaders, headers, target }: RequestAccount): void {
  const names = rawHeaders.filter((__, at) => at % 2 === 0).map(name => name.toLowerCase())
  for (const name of NAMES) expect(names).not.toContain(name.toLowerCase())
  expect([...rawHeaders, target].filter(text => text.includes('s3cret'))).toEqual([])
  expect(headers).toMatchObject(HARMLESS)
}
