import { createHash } from 'node:crypto'
import { reply, type RequestAccount } from 'sluice/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { launch } from './support/chromium.ts'
import { openRooms, ROOMS, type Room } from './support/rooms.ts'

const chromium = await launch()
let kept = 0
let tokens = 0
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

async function* ticks(gone: AbortSignal): AsyncGenerator<string> {
  for (let at = 0; !gone.aborted; at++) {
    yield `data: ${at}\n\n`
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

const rooms = await openRooms(chromium, {
  'GET /text': reply.text('hello'),
  'GET /stalled': { fault: { kind: 'stall', at: 'before-head' } },
  'GET /half': { body: 'x'.repeat(100_000), fault: { kind: 'stall', at: 'mid-body', bytes: 50_000 } },
  'GET /events': ({ gone }) => ({ headers: { 'content-type': 'text/event-stream' }, body: ticks(gone) }),
  'POST /upload': { fault: { kind: 'stall', at: 'body-of-request', bytes: 1024 } },
  'GET /rows': reply.text('{"id":1}\n{"id":2}\n{"id":3}\n'),
  'GET /kept': () => reply.json({ kept: ++kept }, { headers: { 'cache-control': 'max-age=60' } }),
  'GET /guarded': ({ headers }) =>
    headers['authorization'] === `Bearer t${tokens}`
      ? reply.text('in')
      : reply.status(401, { headers: { 'www-authenticate': 'Bearer' } }),
  'GET /token': () => reply.text(`t${++tokens}`),
  'GET /vault': ({ headers }) => {
    const given = headers['authorization']
    const challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'
    if (given === undefined) return reply.status(401, { headers: { 'www-authenticate': challenge } })
    const field = (name: string): string => new RegExp(`\\b${name}="?([^",]+)`).exec(given)?.[1] ?? ''
    const [a1, a2] = [digestOf('ada:r:secret'), digestOf('GET:/vault')]
    const wanted = digestOf([a1, 'n', field('nc'), field('cnonce'), 'auth', a2].join(':'))
    return field('response') === wanted ? reply.text('open') : reply.status(403)
  },
  'POST /echo': async request =>
    reply.json({
      type: request.headers['content-type'],
      body: await request.text(),
      xsrf: request.headers['x-xsrf-token'],
    }),
  'GET /problem': {
    status: 422,
    headers: { 'content-type': 'application/problem+json' },
    body: '{"title":"No","status":422}',
  },
})

afterAll(async () => {
  await chromium.close()
  await rooms[Symbol.asyncDispose]()
})

const withXhr = (room: Room): boolean => room !== 'service worker'

async function arrived(path: string, seen: number): Promise<RequestAccount> {
  const those = (): readonly RequestAccount[] => rooms.server.requests.filter(({ target }) => target === path)
  await expect.poll(() => those().length, { timeout: 5_000, interval: 5 }).toBe(seen + 1)
  return those()[seen] as RequestAccount
}

describe.each(ROOMS)('in a %s', room => {
  const engines = withXhr(room) ? ['fetch', 'xhr'] : ['fetch']

  describe.each(engines)('%s', engine => {
    const client = `const client = sluice.createClient({ engine: sluice.${engine}(), baseUrl: url, plugins: [] });`

    it('asks and is answered', async () => {
      const body = `${client} const answer = await sluice.wait(client.get('text')); await client.close(); return [answer.status, answer.text()]`
      expect(await rooms.run(room, body)).toEqual([200, 'hello'])
    })

    // What was left is seen by the server at once, whatever was going on: the call is left 100 ms after it got there.
    const leave = [
      ['before the head', '/stalled', `client.get('stalled').subscribe()`],
      ['in the middle of the body', '/half', `client.stream('half', sluice.text()).subscribe()`],
      ['in a stream of events', '/events', `sluice.eventSource(client, 'events').subscribe()`],
      ['in an upload', '/upload', `client.post('upload', new Blob(['x'.repeat(4_000_000)])).subscribe()`],
    ].filter(([, path]) => engine === 'fetch' || path === '/stalled' || path === '/upload')
    it.each(leave)('leaving %s ends the request as the server sees it', async (_, path = '', call = '') => {
      const seen = rooms.server.requests.filter(({ target }) => target === path).length
      await rooms.run(room, `${client} globalThis.left = ${call}`)
      const request = await arrived(path, seen)
      await new Promise(resolve => setTimeout(resolve, 100))
      expect(request.brokenAt).toBeUndefined()
      await rooms.run(room, 'globalThis.left.unsubscribe()')
      // A server that does not read does not hear either.
      rooms.server.resume()
      const at = performance.now()
      await expect.poll(() => request.brokenAt, { timeout: 2_000, interval: 1 }).toBeDefined()
      expect((request.brokenAt ?? Infinity) - at).toBeLessThan(100)
    })
  })

  // The browser has a cache of its own, and asks for a name and a password by itself.
  const engine = `sluice.fetch({ cache: 'no-store', credentials: 'omit' })`
  const make = (plugins: string): string =>
    `const client = sluice.createClient({ engine: ${engine}, baseUrl: url, plugins: [${plugins}] });`

  it('reads lines of JSON, and events until it has enough', async () => {
    const body = `${make('')} const { rxjs } = sluice
      const rows = await sluice.wait(client.stream('rows', sluice.ndjson()).pipe(rxjs.toArray()))
      const events = await sluice.wait(sluice.eventSource(client, 'events').pipe(rxjs.take(3), rxjs.map(({ data }) => data), rxjs.toArray()))
      await client.close(); return [rows, events]`
    expect(await rooms.run(room, body)).toEqual([
      [{ id: 1 }, { id: 2 }, { id: 3 }],
      ['0', '1', '2'],
    ])
  })

  it('keeps answers, shares them, and refreshes one token for all who wait', async () => {
    const body = `${make('sluice.cache()')} const { rxjs } = sluice
      const twice = [(await sluice.wait(client.get('kept'))).text(), (await sluice.wait(client.get('kept'))).text()]
      const sharing = sluice.createClient({ engine: ${engine}, baseUrl: url, plugins: [sluice.dedupe()] })
      const shared = await Promise.all([1, 2].map(async () => (await sluice.wait(sharing.get('kept'))).text()))
      const refresh = () => sluice.wait(client.get('token', { cache: false })).then(answer => answer.text())
      const known = sluice.createClient({ engine: ${engine}, baseUrl: url, plugins: [sluice.bearer({ token: 'old', refresh })] })
      const guarded = await Promise.all([1, 2, 3].map(async () => (await sluice.wait(known.get('guarded'))).text()))
      return [twice[0] === twice[1], shared[0] === shared[1], guarded]`
    const [before, asked] = [kept, tokens]
    expect(await rooms.run(room, body)).toEqual([true, true, ['in', 'in', 'in']])
    expect([kept - before, tokens - asked]).toEqual([2, 1])
  })

  it('proves that it knows a password, by hashes of its own', async () => {
    const body = `${make(`sluice.digest({ username: 'ada', password: 'secret' })`)} return (await sluice.wait(client.get('vault'))).text()`
    expect(await rooms.run(room, body)).toBe('open')
  })

  it('writes and reads by codecs, and reads problems', async () => {
    const body = `${make('sluice.problem(), sluice.expectSuccess(), sluice.codecs()')}
      const send = { codecs: { send: 'application/x-www-form-urlencoded' } }
      const echoed = (await sluice.wait(client.post('echo', { a: '1 2' }, send))).value()
      let problem
      await new Promise(resolve => client.get('problem').subscribe({ error: error => resolve(problem = error.problem) }))
      return [echoed.body, problem.title, problem.status]`
    expect(await rooms.run(room, body)).toEqual(['a=1+2', 'No', 422])
  })

  it('is a fetch for others', async () => {
    const body = `${make('sluice.retry()')} const fetch = sluice.toFetch(client)
      const answer = await fetch(url + 'echo', { method: 'POST', body: new URLSearchParams({ a: '1' }) })
      const { body } = await answer.json(); return [answer.ok, answer.url === url + 'echo', body]`
    expect(await rooms.run(room, body)).toEqual([true, true, 'a=1'])
  })
})

it('a page sends the token of its cookie back, with what may change something only', async () => {
  const body = `document.cookie = 'XSRF-TOKEN=abc'
    const client = sluice.createClient({ engine: sluice.fetch(), baseUrl: url, plugins: [sluice.xsrf()] })
    return (await sluice.wait(client.post('echo', {}))).json().xsrf`
  expect(await rooms.run('page', body)).toBe('abc')
})
