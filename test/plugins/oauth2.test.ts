import { firstValueFrom, forkJoin, Subject } from 'rxjs'
import { createClient, isHttpError, type EngineFactory, type HttpError, type HttpResponse } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { oauth2, type DeviceCode, type OAuth2Options, type OAuth2Tokens, type TokenStore } from 'sluice/plugins/oauth2'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { text } from 'sluice/streams/text'
import { reply, serve, type Protocol, type Reply } from 'sluice/testing'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { authServer, type AuthWorld, type Rules } from './oauth2/auth-server.ts'

type Options = Partial<OAuth2Options>

const BASIC = { method: 'client_secret_basic', secret: 's3cret+/:' } as const

/** A client of the world, which finds its endpoints by asking. */
function open(world: AuthWorld, options: Options = {}, engine: EngineFactory = undici()) {
  const given: Options = { issuer: world.url.slice(0, -1), clientId: 'ledger', authentication: BASIC, ...options }
  return createClient({
    engine,
    baseUrl: world.url,
    confine: false,
    plugins: [redirect(), retry({ times: 0 }), oauth2(given)],
  })
}

type Opened = ReturnType<typeof open>

const get = (client: Opened, url = 'x', options: Parameters<Opened['get']>[1] = {}): Promise<HttpResponse> =>
  firstValueFrom(client.get(url, options))

const failure = async (call: Promise<unknown>): Promise<HttpError> => {
  const error: unknown = await call.then(
    () => new Error('it was to fail'),
    (reason: unknown) => reason,
  )
  if (!isHttpError(error)) throw error
  return error
}

const keys = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])

describe('the client', () => {
  it.each<[string, () => Promise<[Options, Rules]>]>([
    ['basic', async () => [{}, {}]],
    ['post', async () => [{ authentication: { method: 'client_secret_post', secret: 's3cret+/:' } }, {}]],
    ['none', async () => [{ authentication: { method: 'none' }, grant: 'refresh_token', refreshToken: 'first' }, {}]],
    [
      'jwt',
      async () => {
        const { privateKey, publicKey } = await keys()
        return [{ authentication: { method: 'private_key_jwt', key: privateKey, kid: 'k1' } }, { clientKey: publicKey }]
      },
    ],
  ])('proves who it is by %s', async (how, make) => {
    const [options, rules] = await make()
    await using world = await authServer(rules)
    await using client = open(world, options)
    expect((await get(client)).text()).toBe('hello s3cret-at-1')
    expect(world.asked).toEqual([`${options.grant ?? 'client_credentials'} ${how}`])
  })

  it('says what it wants the token for', async () => {
    await using world = await authServer()
    const resource = ['https://a.test/', 'https://b.test/']
    await using client = open(world, { scope: 'read write', audience: 'aud', resource, parameters: { tenant: 't' } })
    await get(client)
    expect([...(world.forms[0] ?? [])]).toEqual([
      ['scope', 'read write'],
      ['audience', 'aud'],
      ['resource', 'https://a.test/'],
      ['resource', 'https://b.test/'],
      ['tenant', 't'],
      ['grant_type', 'client_credentials'],
    ])
  })

  it('asks for the endpoints once, and not where they are said', async () => {
    await using world = await authServer({ expiresIn: 0 })
    await using client = open(world)
    world.revoke()
    await get(client)
    world.revoke()
    await get(client)
    const asked = () => world.server.requests.filter(({ target }) => target.startsWith('/.well-known')).length
    expect([asked(), world.asked.length]).toEqual([1, 2])
    await using told = open(world, { issuer: undefined, endpoints: { token: `${world.url}token` } })
    await get(told)
    expect(asked()).toBe(1)
  })

  it('asks OpenID Connect Discovery where RFC 8414 is not known', async () => {
    await using world = await authServer({ oidc: true })
    await using client = open(world)
    expect((await get(client)).status).toBe(200)
  })

  it('does not believe metadata of another issuer', async () => {
    await using world = await authServer({ metadata: { issuer: 'https://evil.test' } })
    await using client = open(world)
    expect(await failure(get(client))).toMatchObject({ code: 'PROTOCOL' })
    expect(world.asked).toEqual([])
  })
})

describe('a token', () => {
  it('is got once for all who need it, and again when it is refused', async () => {
    await using world = await authServer()
    await using client = open(world, {}, undici({ connectionsPerOrigin: 100 }))
    const many = () => firstValueFrom(forkJoin(Array.from({ length: 50 }, () => client.get('x'))))
    expect(new Set((await many()).map(answer => answer.text()))).toEqual(new Set(['hello s3cret-at-1']))
    world.revoke()
    expect(new Set((await many()).map(answer => answer.text()))).toEqual(new Set(['hello s3cret-at-2']))
    expect(world.asked.length).toBe(2)
  })

  it('is refreshed by a refresh token that is good once, whoever leaves', async () => {
    await using world = await authServer({ refreshTokens: true })
    const seen: string[] = []
    const tokens = new Subject<OAuth2Tokens>()
    tokens.subscribe(({ refreshToken, scope }) => seen.push(`${refreshToken ?? ''} ${scope ?? ''}`))
    await using client = open(world, { grant: 'refresh_token', refreshToken: 'first', tokens, scope: 'a' })
    for (let round = 1; round <= 3; round++) {
      world.revoke()
      const leaving = client.get('x').subscribe()
      const [one, two] = [get(client), get(client)]
      leaving.unsubscribe()
      expect([(await one).status, (await two).status]).toEqual([200, 200])
    }
    expect(seen).toEqual(['s3cret-rt-1 a', 's3cret-rt-2 a', 's3cret-rt-3 a'])
    expect(world.asked).toEqual(Array.from({ length: 3 }, () => 'refresh_token basic'))
  })

  it('is granted anew where the refresh token is taken no longer', async () => {
    await using world = await authServer()
    await using client = open(world, { refreshToken: 'stale' })
    expect((await get(client)).status).toBe(200)
    expect(world.asked).toEqual(['refresh_token basic', 'client_credentials basic'])
  })

  it('cannot be got where there is nothing but a refresh token that is taken no longer', async () => {
    await using world = await authServer()
    await using client = open(world, { grant: 'refresh_token', refreshToken: 'stale' })
    expect(await failure(get(client))).toMatchObject({
      code: 'STATUS',
      message: expect.stringContaining('(invalid_grant)') as string,
    })
    expect(await failure(get(client))).toMatchObject({ code: 'CONFIG' })
  })

  it('is replaced before it expires', async () => {
    await using world = await authServer()
    await using first = open(world)
    await get(first)
    const kept = { accessToken: 's3cret-at-1', type: 'Bearer', expiresAt: Date.now() + 10_000 } as const
    await using client = open(world, { store: { load: () => kept, save() {} } })
    expect((await get(client)).text()).toBe('hello s3cret-at-1')
    expect((await get(client)).text()).toBe('hello s3cret-at-2')
    expect(world.asked.length).toBe(2)
  })

  it('is another one for a call that asks for something else, and shared by those who ask for the same', async () => {
    await using world = await authServer()
    await using client = open(world, { scope: 'read' })
    await get(client)
    await get(client, 'x', { oauth2: { scope: 'admin' } })
    await get(client, 'x', { oauth2: { scope: 'admin' } })
    await get(client, 'x', { oauth2: { scope: 'read', ahead: 5 } })
    expect(world.forms.map(form => form.get('scope'))).toEqual(['read', 'admin'])
    expect(await failure(get(client, 'x', { oauth2: { dpop: true } }))).toMatchObject({ code: 'CONFIG' })
  })

  it('stays at home', async () => {
    await using other = await serve({ '/*': reply.status(401) })
    await using world = await authServer()
    await using client = open(world)
    await get(client, other.url)
    expect(other.requests[0]?.headers['authorization']).toBeUndefined()
    expect(world.asked).toEqual([])
  })

  it('set by the caller is left alone', async () => {
    await using world = await authServer()
    await using client = open(world)
    expect((await get(client, 'x', { headers: { authorization: 'Bearer mine' } })).status).toBe(401)
    expect((await get(client, 'x', { oauth2: false })).status).toBe(401)
    expect(world.asked).toEqual([])
  })
})

describe('a store', () => {
  const memory = (first?: OAuth2Tokens) => {
    const saved: OAuth2Tokens[] = first === undefined ? [] : [first]
    const store: TokenStore = { load: async () => saved.at(-1), save: async tokens => void saved.push(tokens) }
    return { saved, store }
  }

  it('gives the first tokens and takes the next ones', async () => {
    await using world = await authServer({ refreshTokens: true })
    const { saved, store } = memory()
    await using one = open(world, { store })
    await get(one)
    await using two = open(world, { store })
    expect((await get(two)).text()).toBe('hello s3cret-at-1')
    expect(world.asked.length).toBe(1)
    expect(saved).toMatchObject([
      { accessToken: 's3cret-at-1', type: 'Bearer', refreshToken: 's3cret-rt-1', scope: 'all' },
    ])
  })

  it('is asked first whether another process has refreshed already, so that no refresh token is used twice', async () => {
    await using world = await authServer({ refreshTokens: true })
    const { store } = memory()
    await using one = open(world, { store, grant: 'refresh_token', refreshToken: 'first' })
    await using two = open(world, { store, grant: 'refresh_token', refreshToken: 'first' })
    await get(one)
    await get(two)
    world.revoke()
    await get(one)
    expect((await get(two)).text()).toBe('hello s3cret-at-2')
    expect(world.asked.length).toBe(2)
  })

  it('that keeps a token which is taken no longer costs one more request, not an answer', async () => {
    await using world = await authServer()
    const { saved, store } = memory({ accessToken: 'revoked', type: 'Bearer' })
    await using client = open(world, { store })
    expect((await get(client)).text()).toBe('hello s3cret-at-1')
    expect([world.asked.length, saved.length]).toEqual([1, 2])
  })

  it('that cannot save fails who waited, and the tokens count all the same', async () => {
    await using world = await authServer()
    const store: TokenStore = { load: () => undefined, save: () => Promise.reject(new Error('disk full')) }
    await using client = open(world, { store })
    await expect(get(client)).rejects.toThrow('disk full')
    expect((await get(client)).status).toBe(200)
    expect(world.asked.length).toBe(1)
  })

  it('with tokens of another kind is as one that is empty', async () => {
    await using world = await authServer()
    const { store } = memory({ accessToken: 'x', type: 'DPoP' })
    await using client = open(world, { store })
    expect((await get(client)).status).toBe(200)
  })

  it.each<[string, unknown]>([
    ['a text', 's3cret'],
    ['no access token', {}],
    ['another type', { accessToken: 's3cret', type: 'mac' }],
    ['a date', { accessToken: 's3cret', type: 'Bearer', expiresAt: 's3cret' }],
    ['a wrong refresh token', { accessToken: 's3cret', type: 'Bearer', refreshToken: 7 }],
    ['a wrong scope', { accessToken: 's3cret', type: 'Bearer', scope: ['s3cret'] }],
  ])('that holds %s is CONFIG', async (_, tokens) => {
    await using world = await authServer()
    await using client = open(world, { store: { load: () => tokens as OAuth2Tokens, save() {} } })
    const error = await failure(get(client))
    expect(error.code).toBe('CONFIG')
    expect(inspect(error)).not.toContain('s3cret')
  })
})

describe('DPoP', () => {
  const ENGINES: readonly (readonly [string, Protocol, () => EngineFactory])[] = [
    ['undici', 'http/1.1', () => undici()],
    ['http', 'http/1.1', () => http()],
    ['http2', 'h2c', () => http2({ mode: 'h2c' })],
    ['fetch', 'http/1.1', () => fetch()],
  ]
  it.each(ENGINES)('proves every send anew, on %s', async (name, protocol, engine) => {
    await using world = await authServer({ dpop: true, protocol })
    await using client = open(world, { dpop: true }, engine())
    const answers = await firstValueFrom(
      forkJoin([client.get('x?a=1'), client.put('y/z', 'body'), client.query('q', { a: 1 }), client.delete('x#f')]),
    )
    expect(answers.map(answer => answer.text())).toEqual(Array.from({ length: 4 }, () => 'hello s3cret-at-1'))
    expect(name).not.toBe('')
  })

  it('answers nonces, of the token endpoint and of resources, whenever they change', async () => {
    await using world = await authServer({ dpop: true, nonces: 3 })
    await using client = open(world, { dpop: true })
    for (let round = 0; round < 8; round++) expect((await get(client)).status).toBe(200)
    expect(world.asked.length).toBe(2)
    const live = await firstValueFrom(client.stream('x', text()))
    expect(live).toBe('hello s3cret-at-1')
  })

  it('gets another token where this one is refused, with a nonce on both', async () => {
    await using world = await authServer({ dpop: true, nonces: 2, refreshTokens: true })
    await using client = open(world, { dpop: true })
    await get(client)
    world.revoke()
    expect((await get(client)).text()).toBe('hello s3cret-at-2')
  })

  it('works with a pair of keys that is kept, also for tokens of a store', async () => {
    const dpop = await keys()
    await using world = await authServer({ dpop: true })
    const saved: OAuth2Tokens[] = []
    const store: TokenStore = { load: () => saved.at(-1), save: tokens => void saved.push(tokens) }
    await using one = open(world, { dpop, store })
    await get(one)
    await using two = open(world, { dpop, store })
    expect((await get(two)).text()).toBe('hello s3cret-at-1')
    await using stranger = open(world, { dpop: true, store })
    expect((await get(stranger)).text()).toBe('hello s3cret-at-2')
  })

  it('is not given up where the server gives unbound tokens, nor taken up where it was not asked for', async () => {
    const unbound = { token: () => reply.json({ access_token: 's3cret', token_type: 'Bearer' }) }
    await using world = await authServer({ dpop: true, ...unbound })
    await using client = open(world, { dpop: true })
    expect(await failure(get(client))).toMatchObject({ code: 'PROTOCOL' })
    await using other = await authServer({ token: () => reply.json({ access_token: 's3cret', token_type: 'DPoP' }) })
    await using plain = open(other)
    expect(await failure(get(plain))).toMatchObject({ code: 'PROTOCOL' })
  })

  it('asks for the same nonce not for ever', async () => {
    await using world = await serve({
      'POST /token': reply.json({ access_token: 'a', token_type: 'DPoP' }),
      '/x': { status: 401, headers: { 'dpop-nonce': 'n', 'www-authenticate': 'DPoP error="use_dpop_nonce"' } },
    })
    const options = { clientId: 'ledger', authentication: BASIC, endpoints: { token: `${world.url}token` }, dpop: true }
    await using client = createClient({ engine: undici(), baseUrl: world.url, plugins: [oauth2(options)] })
    expect((await firstValueFrom(client.get('x'))).status).toBe(401)
    expect(world.requests.map(({ target }) => target)).toEqual(['/token', '/x', '/x', '/x'])
  })

  it('shows no proof', async () => {
    await using world = await authServer({ dpop: true })
    await using client = open(world, { dpop: true })
    const { request } = await get(client)
    expect(request.toJSON()['headers']).toMatchObject({
      authorization: expect.stringMatching(/^<redacted/) as string,
      dpop: expect.stringMatching(/^<redacted/) as string,
    })
  })
})

describe('a device', () => {
  const device = (world: AuthWorld, shown: DeviceCode[]) =>
    open(world, {
      grant: 'device_code',
      authentication: { method: 'none' },
      prompt: code => shown.push(code),
      scope: 'tv',
    })

  it('shows a code, asks until somebody has let it in, and slower when told so', async () => {
    const pending = ['authorization_pending', 'authorization_pending', 'yes'] as const
    await using world = await authServer({ device: pending })
    const shown: DeviceCode[] = []
    await using client = device(world, shown)
    const [one, two] = await Promise.all([get(client), get(client)])
    expect([one.text(), two.text()]).toEqual(['hello s3cret-at-1', 'hello s3cret-at-1'])
    expect(shown).toMatchObject([
      {
        userCode: 'ABCD-EFGH',
        verificationUri: 'https://login.test/device',
        verificationUriComplete: 'https://login.test/device?code=ABCD-EFGH',
      },
    ])
    expect(world.asked).toEqual(Array.from({ length: 3 }, () => 'device_code none'))
    expect([...(world.forms[0] ?? [])]).toEqual([
      ['scope', 'tv'],
      ['client_id', 'ledger'],
    ])
  })

  it.each<[string, Rules['device'], object]>([
    [
      'somebody says no',
      ['access_denied'],
      { code: 'STATUS', message: expect.stringContaining('(access_denied)') as string },
    ],
    ['the code is old', ['expired_token'], { code: 'TIMEOUT', phase: 'deadline' }],
    ['nobody answers', ['authorization_pending'], { code: 'TIMEOUT', phase: 'deadline' }],
    ['the next question would come too late', ['slow_down'], { code: 'TIMEOUT', phase: 'deadline' }],
  ])('is told when %s', async (_, answers, error) => {
    await using world = await authServer({ device: answers ?? [] })
    await using client = device(world, [])
    expect(await failure(get(client))).toMatchObject(error)
  })

  it('asks no more when nobody waits any more', async () => {
    await using world = await authServer({ device: ['authorization_pending'] })
    await using client = device(world, [])
    const waiting = client.get('x').subscribe()
    await world.server.until(() => world.asked.length === 2)
    waiting.unsubscribe()
    const { length } = world.asked
    await expect(world.server.until(() => world.asked.length > length, 200)).rejects.toThrow(/waited 200 ms/)
  })
})

describe('an authorization server', () => {
  it.each<[string, Reply, object]>([
    [
      'refuses',
      reply.json({ error: 'invalid_scope', error_description: 's3cret' }, { status: 400 }),
      {
        code: 'STATUS',
        response: { status: 400 },
        message: expect.stringContaining('was 400 (invalid_scope)') as string,
      },
    ],
    [
      'refuses by a challenge',
      reply.status(401, { headers: { 'www-authenticate': 'Basic realm="s3cret"' } }),
      { code: 'STATUS' },
    ],
    [
      'refuses in words of its own',
      reply.json({ error: 's3cret' }, { status: 400 }),
      { code: 'STATUS', message: expect.stringContaining('was 400;') as string },
    ],
    ['has a status of its own', reply.status(999), { code: 'PROTOCOL' }],
    ['is down', reply.status(503), { code: 'STATUS', response: { status: 503 } }],
    ['leads elsewhere', reply.redirect('https://evil.test/'), { code: 'STATUS', response: { status: 302 } }],
    ['speaks HTML', reply.text('<p>s3cret</p>', { headers: { 'content-type': 'text/html' } }), { code: 'PROTOCOL' }],
    [
      'breaks its JSON',
      reply.text('{"access_token":"s3cret', { headers: { 'content-type': 'application/json' } }),
      { code: 'PROTOCOL' },
    ],
    ['gives no token', reply.json({ token_type: 'bearer', refresh_token: 's3cret' }), { code: 'PROTOCOL' }],
    ['gives one that is none', reply.json({ token_type: 'bearer', access_token: { s3cret: 1 } }), { code: 'PROTOCOL' }],
    [
      'gives one that cannot be sent',
      reply.json({ token_type: 'bearer', access_token: 's3cret\r\nx: y' }),
      { code: 'PROTOCOL' },
    ],
    ['gives one of another kind', reply.json({ token_type: 'mac', access_token: 's3cret' }), { code: 'PROTOCOL' }],
    [
      'says an expiry that is none',
      reply.json({ token_type: 'bearer', access_token: 's3cret', expires_in: 'x' }),
      { code: 'PROTOCOL' },
    ],
    ['breaks off', { body: 's3cret', fault: { kind: 'reset', at: 'mid-body', bytes: 2 } }, { code: 'BODY' }],
    ['does not end', reply.bytes(Infinity, { headers: { 'content-type': 'application/json' } }), { code: 'TOO_LARGE' }],
  ])('that %s', async (_, answer, expected) => {
    await using world = await authServer({ token: () => answer })
    await using client = open(world)
    // A live call reads bytes as they come, whoever bounds those of whole answers.
    const error = await failure(firstValueFrom(client.stream('x', text())))
    expect(error).toMatchObject(expected)
    expect(`${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`).not.toContain('s3cret')
    expect(client.inFlight).toBe(0)
  })

  it('that is silent is a TIMEOUT', async () => {
    await using world = await authServer({ token: () => ({ delay: 60_000 }) })
    await using client = open(world, { timeout: 50 })
    expect(await failure(get(client))).toMatchObject({ code: 'TIMEOUT', phase: 'attempt' })
  })

  it('that failed is asked again by the next request', async () => {
    let down = true
    await using world = await authServer({ token: () => (down ? reply.status(500) : undefined) })
    await using client = open(world)
    expect(await failure(get(client))).toMatchObject({ code: 'STATUS' })
    down = false
    expect((await get(client)).status).toBe(200)
  })

  it('is left when nobody waits any more, in whatever request', async () => {
    await using world = await authServer({ token: () => ({ delay: 60_000 }) })
    await using client = open(world)
    const waiting = client.get('x').subscribe()
    const asked = await world.server.until(({ requests }) => requests.find(({ target }) => target === '/token'))
    waiting.unsubscribe()
    await world.server.until(() => asked.brokenAt !== undefined)
  })

  it.each([
    ['http://login.test/token', false],
    ['http://127.0.0.1.evil.test/token', false],
    ['http://localhost.evil.test/token', false],
    ['http://localhost/token', true],
    ['http://127.1.2.3/token', true],
    ['http://[::1]:8080/token', true],
    ['https://login.test/token', true],
  ])('at %s is spoken to without being told: %s', async (token, fine) => {
    const api = mock(() => ({ body: { access_token: 'a', token_type: 'bearer' } }))
    const options = { clientId: 'ledger', authentication: BASIC, endpoints: { token } }
    const ask = (more: Options) =>
      firstValueFrom(
        createClient({ engine: api, baseUrl: 'https://a.test/', plugins: [oauth2({ ...options, ...more })] }).get('x'),
      )
    if (fine) expect((await ask({})).status).toBe(200)
    else {
      expect(await failure(ask({}))).toMatchObject({ code: 'CONFIG' })
      expect(api.history).toEqual([])
      expect((await ask({ allowInsecureRequests: true })).status).toBe(200)
    }
  })
})

describe.each<[string, Options]>([
  ['no server', { clientId: 'a', authentication: BASIC }],
  ['no client', { issuer: 'https://a.test', authentication: BASIC }],
  ['an empty client', { issuer: 'https://a.test', clientId: '', authentication: BASIC }],
  ['credentials of nobody', { issuer: 'https://a.test', clientId: 'a' }],
  ['a device nobody is shown', { issuer: 'https://a.test', clientId: 'a', grant: 'device_code' }],
  [
    'a device without an endpoint',
    { endpoints: { token: 'https://a.test/' }, clientId: 'a', grant: 'device_code', prompt() {} },
  ],
])('without what it needs (%s)', (_, options) => {
  it('is refused when the client is made', () => {
    const make = () => createClient({ engine: mock(), baseUrl: 'https://a.test/', plugins: [oauth2(options)] })
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error)
  })
})

it.each<[string, object]>([
  ['an issuer', { issuer: 'a.test' }],
  ['an issuer with a query', { issuer: 'https://a.test/?x' }],
  ['endpoints', { endpoints: { token: 'ftp://a.test' } }],
  ['an endpoint with a password', { endpoints: { token: 'https://a:b@a.test' } }],
  ['a method', { authentication: { method: 'magic' } }],
  ['a secret', { authentication: { method: 'client_secret_basic', secret: '' } }],
  ['a key', { authentication: { method: 'private_key_jwt', key: 's3cret' } }],
  ['a grant', { grant: 'password' }],
  ['a resource', { resource: 'a' }],
  ['parameters', { parameters: { a: 1 } }],
  ['dpop', { dpop: 'yes' }],
  ['a pair of one', { dpop: {} }],
  ['a store', { store: { load() {} } }],
  ['tokens', { tokens: () => 1 }],
  ['ahead', { ahead: -1 }],
  ['a prompt', { prompt: 'x' }],
  ['allowInsecureRequests', { allowInsecureRequests: 1 }],
])('refuses %s', (_, options) => {
  const make = () => oauth2(options)
  expect(make).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error)
  expect(make).not.toThrow(/s3cret/)
})
