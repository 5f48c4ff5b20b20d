import { firstValueFrom, map, NEVER, take, toArray, type Observable, type Subscription } from 'rxjs'
import { createClient, isHttpError, type Client, type EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { longPoll, poll } from 'sluice/streams/poll'
import { reply, serve, type Protocol, type Routes, type TestServer } from 'sluice/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import { leave } from './watching.ts'

const ENGINES: readonly (readonly [string, () => EngineFactory, Protocol])[] = [
  ['undici', undici, 'http/1.1'],
  ['http', http, 'http/1.1'],
  ['http2', () => http2({ mode: 'h2c' }), 'h2c'],
  ['fetch', fetch, 'http/1.1'],
]

const UPDATES = {
  cursor: (r: { text(): string }) => r.text() || undefined,
  next: (since: string) => ({ query: { since } }),
}

describe.each(ENGINES)('over the wire, with %s', (name, engine, protocol) => {
  const open = async (routes: Routes): Promise<{ server: TestServer; client: Client }> => {
    const server = await serve(routes, { protocol })
    const client = createClient({ engine: engine(), baseUrl: server.url, plugins: [] })
    onTestFinished(async () => {
      client.cancel()
      await server.close()
    })
    return { server, client }
  }

  it('a poll is told only what is new', async () => {
    let version = 0
    const { server, client } = await open({
      'GET /x': request => {
        version += 0.5
        const etag = `"${Math.floor(version)}"`
        return request.header('if-none-match') === etag ? reply.status(304) : reply.text(etag, { headers: { etag } })
      },
    })
    const texts = poll(client, 'x', { every: 10 }).pipe(map(response => response.text()))
    expect(await firstValueFrom(texts.pipe(take(3), toArray()))).toEqual(['"0"', '"1"', '"2"'])
    expect(server.requests.map(({ status }) => status)).toEqual([200, 200, 304, 200])
    // What fetch does with its connections is the platform's affair.
    if (name !== 'fetch') expect(server.connections).toHaveLength(1)
  })

  it('a poll gets over broken answers and goes on', async () => {
    let at = 0
    const { server, client } = await open({
      'GET /x': () =>
        [
          reply.text('a', { fault: { kind: 'reset', at: 'before-head' } }),
          reply.text('half of this is lost', { fault: { kind: 'reset', at: 'mid-body' } }),
          reply.status(503),
        ][at++] ?? reply.text('whole'),
    })
    const failures: unknown[] = []
    const onFailure = ({ error }: { error: unknown }) => failures.push(isHttpError(error) && error.code)
    const answer = await firstValueFrom(poll(client, 'x', { every: 10, backoff: { first: 10 }, onFailure }))
    expect(answer.text()).toBe('whole')
    expect(failures).toHaveLength(3)
    expect(server.requests).toHaveLength(4)
  })

  it('a long poll hears everything in its order', async () => {
    const { server, client } = await open({
      'GET /x': ({ query }) => reply.text(String(Number(query.get('since')) + 1), { delay: 5 }),
    })
    const texts = longPoll<string>(client, 'x', { ...UPDATES, from: '7' }).pipe(map(response => response.text()))
    expect(await firstValueFrom(texts.pipe(take(4), toArray()))).toEqual(['8', '9', '10', '11'])
    expect(server.requests.map(({ target }) => target)).toEqual([
      '/x?since=7',
      '/x?since=8',
      '/x?since=9',
      '/x?since=10',
    ])
  })

  const LEAVING: readonly (readonly [string, (client: Client) => Observable<unknown>])[] = [
    ['poll', client => poll(client, 'stalled', { every: 10 })],
    ['long poll', client => longPoll(client, 'stalled', UPDATES)],
  ]
  it.each(LEAVING)('a %s that is left in the middle of a request ends it within 50 ms', async (_name, make) => {
    const { server, client } = await open({
      'GET /stalled': reply.text('', { fault: { kind: 'stall', at: 'before-head' } }),
    })
    expect(await leave(server, '/stalled', () => make(client))).toBeLessThan(50)
    expect(client.inFlight).toBe(0)
  })

  it('nothing is left of a poll that is left while it waits, and none of its client', async () => {
    using leaks = watchLeaks()
    const server = await serve({ 'GET /x': reply.status(200), 'GET /down': reply.status(503) }, { protocol })
    const client = createClient({ engine: engine(), baseUrl: server.url, plugins: [] })
    const waits: Subscription[] = [
      poll(client, 'x', { every: 60_000 }).subscribe(),
      poll(client, 'down', { every: 60_000 }).subscribe(),
      longPoll(client, 'down', { ...UPDATES, spacing: 60_000 }).subscribe(),
    ]
    await server.until(({ requests }) => requests.length === 3 && requests.every(({ answered }) => answered))
    await expect.poll(() => client.inFlight).toBe(0)
    for (const wait of waits) wait.unsubscribe()
    await client.close()
    await server.close()
    await leaks.settled()
  })
})

describe('when its client ends, a poll', () => {
  const open = (): Client =>
    createClient({
      engine: mock({ '/x': 200, '/slow': { delay: 100, body: 'late' } }),
      baseUrl: 'https://api.test/',
      plugins: [],
    })
  const watch = (values: Observable<{ text(): string }>): { seen: string[]; subscription: Subscription } => {
    const seen: string[] = []
    const subscription = values.subscribe({
      next: response => seen.push(`answer ${response.text()}`),
      error: (error: unknown) => seen.push(isHttpError(error) ? error.code : String(error)),
      complete: () => seen.push('end'),
    })
    return { seen, subscription }
  }

  it.each([
    ['closed', (client: Client) => client.close()],
    ['cancelled', (client: Client) => (client.cancel(), client.join())],
  ])('that waits completes at once when it is %s, and no timer is left', async (_, end) => {
    using leaks = watchLeaks()
    const client = open()
    const one = watch(poll(client, 'x', { every: 60_000 }))
    const other = watch(longPoll(client, 'x', { ...UPDATES, spacing: 60_000 }))
    const hidden = new (class extends EventTarget {
      visibilityState = 'hidden'
    })()
    const unseen = watch(poll(client, 'x', { every: 60_000, visibility: hidden }))
    await end(client)
    await Promise.resolve()
    expect([one.seen, other.seen, unseen.seen]).toEqual([['answer ', 'end'], ['answer ', 'end'], ['end']])
    await leaks.settled()
  })

  it('that waits for an answer takes it and completes then, when it is closed', async () => {
    const client = open()
    const { seen } = watch(poll(client, 'slow', { every: 10 }))
    await client.close()
    expect(seen).toEqual(['answer late', 'end'])
  })

  it('that waits for an answer fails when it is cancelled', () => {
    const client = open()
    const { seen } = watch(poll(client, 'slow', { every: 10 }))
    client.cancel()
    expect(seen).toEqual(['CANCELLED'])
  })

  it('does not begin, and fails, when it was closed before', async () => {
    const client = open()
    await client.close()
    expect(watch(poll(client, 'x', { every: 10 })).seen).toEqual(['CLOSED'])
    expect(watch(longPoll(client, 'x', UPDATES)).seen).toEqual(['CLOSED'])
  })

  it('does not begin either when others were told of the end long before', async () => {
    const client = open()
    const { seen } = watch(poll(client, 'x', { every: 60_000 }))
    await client.close()
    await expect.poll(() => seen).toEqual(['answer ', 'end'])
    const hidden = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
    expect(watch(poll(client, 'x', { every: 10 })).seen).toEqual(['CLOSED'])
    expect(watch(poll(client, 'x', { every: 10, visibility: hidden })).seen).toEqual(['CLOSED'])
    expect(watch(longPoll(client, 'x', UPDATES)).seen).toEqual(['CLOSED'])
  })

  it('hears of the end of the parent of its client, too', async () => {
    const client = open()
    const { seen } = watch(poll(client.extend({}), 'x', { every: 60_000 }))
    await client.close()
    await Promise.resolve()
    await expect.poll(() => seen).toEqual(['answer ', 'end'])
  })

  it('that was left is forgotten', async () => {
    const client = open()
    const { seen, subscription } = watch(poll(client, 'x', { every: 60_000, project: () => NEVER }))
    subscription.unsubscribe()
    await client.close()
    expect(seen).toEqual([])
  })
})
