import { firstValueFrom, Subject, timer } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { oauth2, type OAuth2Options, type OAuth2Tokens } from 'sluice/plugins/oauth2'
import { describe, expect, it } from 'vitest'

const SECRET = { method: 'client_secret_post', secret: 's3cret' } as const

/** A server that takes its newest token alone, and each refresh token once; whoever sends one again has stolen it. */
class World {
  readonly #good = new Set<string>()
  #issued = 0
  /** The access token that is taken. */
  now = 'none'
  /** The grants that were asked for, and the refresh token of each. */
  readonly asked: string[] = []
  readonly scopes: (string | null)[] = []
  /** Who came. */
  readonly came: (string | undefined)[] = []
  readonly api = mock(({ request }) => {
    const token = request.headers.get('authorization')?.slice(7)
    this.came.push(token)
    return token === this.now ? 200 : 401
  }).on('POST /token', ({ body }) => {
    const form = new URLSearchParams(body.text())
    const refresh = form.get('refresh_token')
    this.asked.push(refresh ?? form.get('grant_type') ?? '')
    this.scopes.push(form.get('scope'))
    if (refresh !== null && !this.#good.delete(refresh)) return { status: 400, body: { error: 'invalid_grant' } }
    const { accessToken, refreshToken } = this.issue()
    return { body: { access_token: accessToken, token_type: 'bearer', refresh_token: refreshToken } }
  })

  issue(): OAuth2Tokens & { refreshToken: string } {
    const refreshToken = `rt${++this.#issued}`
    this.#good.add(refreshToken)
    return { accessToken: (this.now = `at${this.#issued}`), type: 'Bearer', refreshToken }
  }

  open(options: Partial<OAuth2Options>) {
    const endpoints = { token: 'https://a.test/token' }
    const given = { endpoints, clientId: 'ledger', authentication: SECRET, ...options }
    return createClient({ engine: this.api, baseUrl: 'https://a.test/', plugins: [oauth2(given)] })
  }
}

const get = async (client: Client): Promise<number> => (await firstValueFrom(client.get('x'))).status

describe('a store', () => {
  it('that could not save is not believed again what it still has', async () => {
    const world = new World()
    const old = world.issue()
    world.now = 'revoked'
    const store = { load: () => old, save: () => Promise.reject(new Error('disk full')) }
    const client = world.open({ grant: 'refresh_token', store })
    await expect(get(client)).rejects.toThrow('disk full')
    expect(await get(client)).toBe(200)
    world.now = 'revoked'
    await expect(get(client)).rejects.toThrow('disk full')
    expect(await get(client)).toBe(200)
    // Each refresh token was sent once, and the one the store still has not after that.
    expect(world.asked).toEqual(['rt1', 'rt2'])
  })

  it('is asked once more when the refresh token was used meanwhile', async () => {
    const world = new World()
    const old = world.issue()
    let [stored, loads] = [old, 0]
    world.now = 'revoked'
    const load = () => {
      const answer = stored
      // Another process is faster, after this one has looked.
      if (++loads === 1)
        world.api.once(
          'POST /token',
          () => ((stored = world.issue()), { status: 400, body: { error: 'invalid_grant' } }),
        )
      return answer
    }
    const client = world.open({ grant: 'refresh_token', store: { load, save: () => undefined } })
    expect(await get(client)).toBe(200)
    expect(world.came).toEqual(['at1', 'at2'])
  })

  it('is not asked for a refresh token that was refused', async () => {
    const world = new World()
    const store = {
      load: () => ({ accessToken: 'old', type: 'Bearer', refreshToken: 'spent' }) as const,
      save: () => undefined,
    }
    const client = world.open({ grant: 'refresh_token', store })
    await expect(get(client)).rejects.toMatchObject({ code: 'STATUS' })
    await expect(get(client)).rejects.toMatchObject({ code: 'CONFIG' })
    expect(world.asked).toEqual(['spent'])
  })
})

describe('who is told of tokens', () => {
  it('may use them at once', async () => {
    const world = new World()
    const tokens = new Subject<OAuth2Tokens>()
    const client = world.open({ tokens })
    const inner: Promise<number>[] = []
    tokens.subscribe(() => inner.push(get(client)))
    expect(await get(client)).toBe(200)
    expect(await Promise.all(inner)).toEqual([200])
    expect(world.came).toEqual(['at1', 'at1'])
  })

  it('and fails loses nothing: they are saved before', async () => {
    const world = new World()
    const saved: OAuth2Tokens[] = []
    const store = { load: () => undefined, save: (one: OAuth2Tokens) => (saved.push(one), timer(1)) }
    const tokens = {
      next() {
        throw new Error('bug')
      },
    }
    const client = world.open({ tokens, store })
    await expect(get(client)).rejects.toThrow('bug')
    expect(saved.map(({ refreshToken }) => refreshToken)).toEqual(['rt1'])
    expect(await get(client)).toBe(200)
  })
})

describe('a call that asks for other tokens', () => {
  it('does not use up the refresh token of the client', async () => {
    const world = new World()
    const { refreshToken } = world.issue()
    world.now = 'revoked'
    const client = world.open({ refreshToken })
    expect((await firstValueFrom(client.get('x', { oauth2: { scope: 'admin' } }))).status).toBe(200)
    expect(await get(client)).toBe(200)
    expect(world.asked).toEqual(['client_credentials', 'rt1'])
    expect(world.scopes).toEqual(['admin', null])
  })

  it('needs one of its own where that is all there is', async () => {
    const world = new World()
    const [first, second] = [world.issue(), world.issue()]
    const client = world.open({ grant: 'refresh_token', refreshToken: first.refreshToken })
    const ask = (options: object) => firstValueFrom(client.get('x', { oauth2: { scope: 'admin', ...options } }))
    await expect(ask({})).rejects.toMatchObject({ code: 'CONFIG' })
    expect((await ask({ refreshToken: second.refreshToken })).status).toBe(200)
    expect(world.asked).toEqual(['rt2'])
  })
})
