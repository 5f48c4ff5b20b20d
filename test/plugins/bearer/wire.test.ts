import { firstValueFrom, forkJoin, map } from 'rxjs'
import { createClient, type Client, type EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { bearer, type Token } from 'sluice/plugins/bearer'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { lines } from 'sluice/streams/lines'
import { reply, serve, type Protocol, type Routes, type TestServer } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const ENGINES: readonly (readonly [string, Protocol, () => EngineFactory])[] = [
  ['undici', 'http/1.1', () => undici({ connectionsPerOrigin: 256 })],
  ['http', 'http/1.1', () => http({ connectionsPerOrigin: 256 })],
  ['http2', 'h2c', () => http2({ mode: 'h2c' })],
  ['fetch', 'http/1.1', () => fetch()],
]

/** Takes the token it gave last, and answers those who come with another one when `together` have come. */
function world(more: Routes = {}, together = 1): Routes {
  let issued = 0
  let waiting: (() => void)[] = []
  return {
    'POST /login': () => reply.json({ token: `t${++issued}` }, { delay: 10 }),
    'GET /rows': request =>
      request.header('authorization') === `Bearer t${issued}`
        ? reply.text('a\nb\n')
        : reply.bytes(Infinity, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }),
    '/data': async request => {
      if (request.header('authorization') === `Bearer t${issued}`) return reply.text('data')
      await new Promise<void>(resolve => {
        waiting.push(resolve)
        if (waiting.length < together) return
        for (const go of waiting) go()
        waiting = []
      })
      return reply.status(401, { headers: { 'www-authenticate': 'Bearer' } })
    },
    ...more,
  }
}

function open(engine: EngineFactory, server: TestServer, token: string | undefined): Client {
  const client: Client = createClient({
    engine,
    baseUrl: server.url,
    confine: false,
    plugins: [
      redirect(),
      retry({ delay: () => 5 }),
      bearer({ token, refresh: () => client.post('login', {}).pipe(map(answer => answer.json<Token>())) }),
    ],
  })
  return client
}

const asked = (server: TestServer, target: string) => server.requests.filter(one => one.target === target)

describe.each(ENGINES)('on %s', (name, protocol, engine) => {
  it('200 requests that are refused at once are one refresh on the wire', async () => {
    const MANY = 200
    // Over one connection of HTTP/2 a hundred go at once. The others wait, and go with the token that counted when they came.
    await using server = await serve(world({}, name === 'http2' ? 100 : MANY), { protocol })
    await using client = open(engine(), server, 'old')
    const answers = await firstValueFrom(forkJoin(Array.from({ length: MANY }, () => client.get('data'))))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: MANY }, () => 200))
    expect(asked(server, '/login').length).toBe(1)
    expect(asked(server, '/login')[0]?.headers['authorization']).toBeUndefined()
    expect(asked(server, '/data').length).toBe(2 * MANY)
  }, 20_000)

  it('a refresh whose request is redirected, and sent again, waits for nothing', async () => {
    let tries = 0
    const login = {
      'POST /login': reply.redirect('/token'),
      'GET /token': () => (tries++ === 0 ? reply.status(503, { delay: 5 }) : reply.json({ token: 't0' }, { delay: 5 })),
    }
    await using server = await serve(world(login), { protocol })
    await using client = open(engine(), server, 'old')
    expect((await firstValueFrom(client.get('data'))).status).toBe(200)
    expect(asked(server, '/token').map(({ headers }) => headers['authorization'])).toEqual([undefined, undefined])
  })

  it('a live body goes on with the new token, whatever that of the refusal is', async () => {
    await using server = await serve(world(), { protocol })
    await using client = open(engine(), server, 'old')
    const seen: string[] = []
    await new Promise<void>((resolve, reject) => {
      client.stream('rows', lines()).subscribe({ next: line => seen.push(line), error: reject, complete: resolve })
    })
    expect(seen).toEqual(['a', 'b'])
  })

  it('the last one to leave ends the refresh on the wire', async () => {
    const slow = { 'POST /login': reply.text('never', { delay: 60_000 }) }
    await using server = await serve(world(slow), { protocol })
    await using client = open(engine(), server, 'old')
    const [first, second] = [client.get('data').subscribe(), client.get('data').subscribe()]
    const login = await server.until(({ requests }) => requests.find(({ target }) => target === '/login'))
    await server.until(() => asked(server, '/data').length === 2 && asked(server, '/data').every(one => one.answered))
    first.unsubscribe()
    const third = client.get('data').subscribe()
    second.unsubscribe()
    expect(login.brokenAt).toBeUndefined()
    third.unsubscribe()
    await server.until(() => login.brokenAt !== undefined)
    expect(asked(server, '/login').length).toBe(1)
  })

  it('a token stays with its origin, also where a redirect leads elsewhere and is answered 401', async () => {
    await using other = await serve(
      { '/*': reply.status(401, { headers: { 'www-authenticate': 'Bearer' } }) },
      { protocol },
    )
    await using server = await serve(world({ 'GET /away': reply.redirect(`${other.url}x`) }), { protocol })
    await using client = open(engine(), server, 'old')
    const { status, url } = await firstValueFrom(client.get('away'))
    expect([status, url]).toEqual([401, `${other.url}x`])
    expect(other.requests.map(({ headers }) => headers['authorization'])).toEqual([undefined])
    expect(asked(server, '/login').length).toBe(0)
  })
})
