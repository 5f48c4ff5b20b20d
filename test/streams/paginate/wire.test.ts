import { firstValueFrom, NEVER, toArray } from 'rxjs'
import { createClient, type Client, type EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { retry } from 'sluice/plugins/retry'
import { paginate } from 'sluice/streams/paginate'
import { reply, serve, type Protocol, type Reply, type Routes, type TestServer } from 'sluice/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { watchLeaks } from '../../support/leaks.ts'
import { leave } from '../poll/watching.ts'

const ENGINES: readonly (readonly [string, () => EngineFactory, Protocol])[] = [
  ['undici', undici, 'http/1.1'],
  ['http', http, 'http/1.1'],
  ['http2', () => http2({ mode: 'h2c' }), 'h2c'],
  ['fetch', fetch, 'http/1.1'],
]

const numbers = (page: { json<T>(): T }): number[] => page.json<number[]>()

/** Two numbers a page; the links are absolute and relative by turns, and have what a parser stumbles over. */
function page(base: string, at: number, last: number): Reply {
  const next = at % 2 === 0 ? `/n?page=${at + 1}&ids=1,2;3` : `${base}n?page=${at + 1}`
  const links = [
    `<${base}n>; rel="first"; title="a, <b>; \\"c\\""`,
    ...(at < last ? [`<${next}>; rel="last next"`] : []),
  ]
  return reply.json([2 * at, 2 * at + 1], { headers: { link: links } })
}

describe.each(ENGINES)('over the wire, with %s', (name, engine, protocol) => {
  const open = async (routes: (url: () => string) => Routes): Promise<{ server: TestServer; client: Client }> => {
    const server: TestServer = await serve(
      routes(() => server.url),
      { protocol },
    )
    const client = createClient({ engine: engine(), baseUrl: server.url, plugins: [retry({ delay: () => 1 })] })
    onTestFinished(async () => {
      client.cancel()
      await server.close()
    })
    return { server, client }
  }

  it('reads all pages over one connection', async () => {
    const { server, client } = await open(url => ({
      'GET /n': ({ query }) => page(url(), Number(query.get('page') ?? 0), 4),
    }))
    const all = paginate(client, 'n', { items: numbers }).pipe(toArray())
    expect(await firstValueFrom(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(server.requests.map(({ target }) => target)).toEqual([
      '/n',
      '/n?page=1&ids=1,2;3',
      '/n?page=2',
      '/n?page=3&ids=1,2;3',
      '/n?page=4',
    ])
    // What fetch does with its connections is the platform's affair.
    if (name !== 'fetch') expect(server.connections).toHaveLength(1)
  })

  it('reads a page that broke off once more, and none twice', async () => {
    let broken = 0
    const { client } = await open(url => ({
      'GET /n': ({ query }) => {
        const at = Number(query.get('page') ?? 0)
        const whole = page(url(), at, 3)
        return at > 0 && broken++ % 2 === 0 ? { ...whole, fault: { kind: 'reset', at: 'mid-body' } } : whole
      },
    }))
    const all = paginate(client, 'n', { items: numbers, prefetch: 1 }).pipe(toArray())
    expect(await firstValueFrom(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('ends a request that runs within 50 ms when it is left', async () => {
    const stalled: Reply = { fault: { kind: 'stall', at: 'before-head' } }
    const { server, client } = await open(url => ({
      'GET /n': ({ query }) => (query.has('page') ? stalled : page(url(), 0, 1)),
    }))
    expect(await leave(server, '/n?page=1&ids=1,2;3', () => paginate(client, 'n'))).toBeLessThan(50)
    expect(client.inFlight).toBe(0)
  })

  it('leaves nothing behind when it is left in the projector, between two pages', async () => {
    using leaks = watchLeaks()
    const server: TestServer = await serve({ 'GET /n': () => page(server.url, 0, 1) }, { protocol })
    const client = createClient({ engine: engine(), baseUrl: server.url, plugins: [] })
    const working = Promise.withResolvers<true>()
    const project = () => {
      working.resolve(true)
      return NEVER
    }
    const subscription = paginate(client, 'n', { items: numbers, project }).subscribe()
    await working.promise
    await expect.poll(() => client.inFlight).toBe(0)
    subscription.unsubscribe()
    expect(server.requests).toHaveLength(1)
    await client.close()
    await server.close()
    await leaks.settled()
  })
})
