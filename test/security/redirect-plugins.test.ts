import { firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type AnyPlugin, type Engine } from 'sluice'
import { apiKey } from 'sluice/plugins/api-key'
import { basic } from 'sluice/plugins/basic'
import { bearer } from 'sluice/plugins/bearer'
import { cookies } from 'sluice/plugins/cookies'
import { digest } from 'sluice/plugins/digest'
import { oauth2, type OAuth2Options } from 'sluice/plugins/oauth2'
import { redirect } from 'sluice/plugins/redirect'
import { sigv4 } from 'sluice/plugins/sigv4'
import { xsrf } from 'sluice/plugins/xsrf'
import { reply, type Reply, type RequestAccount } from 'sluice/testing'
import { CONTENDERS, DIFFERENCES, World } from './world.ts'

/** A plugin that proves who one is. */
interface Prover {
  readonly name: string
  readonly make: (home: string) => AnyPlugin
  /** The headers by which it does. */
  readonly headers: readonly string[]
  /** What must stand nowhere in a request to another origin. */
  readonly secrets: readonly string[]
  /** It proves nothing before it is asked to. */
  readonly waits?: true
  /** RFC 6265 §8.5: cookies are of a host, whatever its port, and of both schemes; so is what is made of them. */
  readonly ofHost?: true
}

const username = 'ada-s3cret'
const password = 'pw-s3cret'
const granted = (home: string, more: Partial<OAuth2Options> = {}): AnyPlugin =>
  oauth2({
    endpoints: { token: `${home}/token` },
    clientId: 'ledger',
    authentication: { method: 'client_secret_post', secret: 'client-s3cret' },
    // The names of these servers are none of this machine.
    allowInsecureRequests: true,
    ...more,
  })
const PROVERS: readonly Prover[] = [
  {
    name: 'basic',
    make: () => basic({ username, password, preemptive: true }),
    headers: ['authorization'],
    secrets: [username, password, btoa(`${username}:${password}`)],
  },
  {
    name: 'basic that waits',
    make: () => basic({ username, password, preemptive: false }),
    headers: ['authorization'],
    secrets: [username, password, btoa(`${username}:${password}`)],
    waits: true,
  },
  {
    name: 'digest',
    make: () => digest({ username, password }),
    headers: ['authorization'],
    secrets: [username, password],
    waits: true,
  },
  {
    name: 'bearer',
    make: () => bearer({ token: 'token-s3cret', refresh: () => 'token-s3cret-2' }),
    headers: ['authorization'],
    secrets: ['token-s3cret'],
  },
  {
    name: 'oauth2',
    make: home => granted(home),
    headers: ['authorization'],
    secrets: ['token-s3cret', 'client-s3cret', 'refresh-s3cret'],
  },
  {
    name: 'oauth2 with proofs',
    make: home => granted(home, { dpop: true }),
    headers: ['authorization', 'dpop'],
    secrets: ['token-s3cret', 'client-s3cret', 'refresh-s3cret'],
  },
  {
    name: 'sigv4',
    make: () =>
      sigv4({
        region: 'here',
        service: 'execute-api',
        credentials: { accessKeyId: 'AKIDS3CRET', secretAccessKey: 's3cret', sessionToken: 'session-s3cret' },
      }),
    headers: ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'],
    secrets: ['AKIDS3CRET', 's3cret'],
  },
  { name: 'apiKey', make: () => apiKey({ key: 'key-s3cret' }), headers: ['x-api-key'], secrets: ['key-s3cret'] },
  {
    name: 'apiKey in the query',
    make: () => apiKey({ key: 'key-s3cret', query: 'key' }),
    headers: [],
    secrets: ['key-s3cret'],
  },
  {
    name: 'xsrf',
    make: () => xsrf({ token: () => 'xsrf-s3cret' }),
    headers: ['x-xsrf-token'],
    secrets: ['xsrf-s3cret'],
  },
  { name: 'cookies', make: () => cookies(), headers: ['cookie'], secrets: ['session-s3cret'], ofHost: true },
]

const CHALLENGES = [
  'Basic realm="r", charset="UTF-8"',
  'Bearer realm="r", error="invalid_token"',
  'Digest realm="r", nonce="n2", algorithm=SHA-256, qop="auth, auth-int"',
  'Digest realm="r", nonce="n1", algorithm=MD5, qop="auth"',
  'DPoP algs="ES256"',
  'AWS4-HMAC-SHA256',
]
const REFUSED: Reply = { status: 401, headers: { 'www-authenticate': CHALLENGES }, body: 'who are you?' }
/** Without the hash that no password should be given for over http. */
const ASKED: Reply = { status: 401, headers: { 'www-authenticate': CHALLENGES.slice(0, 3) } }

describe.each(CONTENDERS)('$name', contender => {
  let world: World
  /** One for all, so that not every chain begins with new connections. */
  let engine: Engine
  let prover: Prover | undefined
  const plan = new Map<string, Reply>()

  beforeAll(async () => {
    engine = contender.make().create()
    world = await World.open(contender, request => {
      if (request.path === '/login') {
        const headers = {
          'set-cookie': ['session=session-s3cret; Path=/; HttpOnly', 'XSRF-TOKEN=session-s3cret; Path=/'],
        }
        return { headers, body: 'hello' }
      }
      if (request.path === '/token') {
        const type = request.header('dpop') === '' ? 'Bearer' : 'DPoP'
        return reply.json({ access_token: 'token-s3cret', token_type: type, refresh_token: 'refresh-s3cret' })
      }
      // At home, who does not say who he is, is asked.
      const asks = request.path === '/0' && prover?.waits === true && request.header('authorization') === ''
      return asks ? ASKED : (plan.get(request.path) ?? { status: 200, body: 'there' })
    })
  })
  afterAll(async () => {
    await engine.destroy()
    await world[Symbol.asyncDispose]()
  })

  /**
   * Goes from home along the letters; where it ends, `last` is said. What the servers saw of it, and the status in the end.
   */
  async function go(one: Prover, hops: string, foreign: string, last: Reply, trustedOrigins: readonly string[] = []) {
    prover = one
    const places = `A${hops}`.split('').map((letter, at) => `${letter === 'A' ? world.home : foreign}/${at}`)
    plan.clear()
    for (const [at, location] of places.slice(1).entries()) plan.set(`/${at}`, { status: 307, headers: { location } })
    plan.set(`/${hops.length}`, last)
    const client = createClient({
      engine,
      baseUrl: `${world.home}/`,
      plugins: [redirect({ allowDowngrade: true, trustedOrigins }), one.make(world.home)],
    })
    try {
      if (one.ofHost) await firstValueFrom(client.get('login'))
      const before = new Set(world.requests)
      const { status } = await firstValueFrom(client.post('0', { hello: 'world' }))
      const seen = world.requests.filter(request => !before.has(request))
      const at = (path: string): readonly RequestAccount[] => seen.filter(({ target }) => target.startsWith(path))
      // A token is got once, at home: no refusal on the way is a reason to get another one.
      expect(
        at('/token').map(({ headers }) => `${world.scheme}://${headers[':authority'] ?? headers['host'] ?? ''}`),
      ).toEqual(one.name.startsWith('oauth2') ? [world.home] : [])
      return { status, seen, home: at('/0'), later: seen.filter(({ target }) => !/^\/(?:0|token)/.test(target)) }
    } finally {
      await client.close()
    }
  }

  // What an origin is, plugins decide without their engine: two engines show all differences, every other one that it changes nothing.
  const differences = DIFFERENCES.filter(
    ([what]) => /^undici(?: over TLS)?$/.test(contender.name) || what === 'host' || what === 'trailing dot',
  )
  const cases = PROVERS.flatMap(one => differences.map(([what, of]) => [one, one.name, what, of] as const))

  it.each(cases.map(([one, name, what, of]) => [name, what, one, of] as const))(
    '%s proves nothing to an origin that differs in its %s, asked or not, and nothing at home once it came from there',
    async (_, what, one, of) => {
      const foreign = of(world)
      if (foreign === undefined || (one.ofHost && (what === 'port' || what === 'scheme'))) return
      for (const hops of ['BB', 'BA']) {
        for (const last of [REFUSED, { status: 200, body: 'there' }]) {
          const { status, home, later } = await go(one, hops, foreign, last)
          expect(status).toBe(last.status)
          // It does prove who one is at home, or the test proves nothing.
          const proof = home.at(-1)
          if (one.headers[0] === undefined) expect(proof?.target).toBe('/0?key=key-s3cret')
          else expect(Object.keys(proof?.headers ?? {})).toContain(one.headers[0])
          // No challenge was answered: each place was asked once.
          expect(later.map(({ target }) => target)).toEqual(hops.split('').map((__, at) => `/${at + 1}`))
          for (const [at, request] of later.entries()) {
            // A jar gives its cookies to their host, whoever led there; SameSite is for those that must not be.
            if (one.ofHost && hops[at] === 'A') continue
            expectClean(request, one)
          }
        }
      }
    },
  )

  it('would notice a token that the user lets go there', async () => {
    const foreign = `${world.scheme}://b.test:${world.a.port}`
    const make = (): AnyPlugin => bearer({ token: 'token-s3cret', origins: [world.home, foreign] })
    const one: Prover = { name: 'bearer', make, headers: ['authorization'], secrets: ['token-s3cret'] }
    const { later } = await go(one, 'B', foreign, { status: 200 }, [foreign])
    expect(later[0]?.headers['authorization']).toBe('Bearer token-s3cret')
    expect(() => later[0] && expectClean(later[0], one)).toThrow(/authorization/)
  })
})

function expectClean({ rawHeaders, headers, target }: RequestAccount, { headers: names, secrets }: Prover): void {
  for (const name of names) expect(Object.keys(headers)).not.toContain(name)
  for (const secret of secrets)
    expect([...rawHeaders, target].filter(text => text.toLowerCase().includes(secret.toLowerCase()))).toEqual([])
}
