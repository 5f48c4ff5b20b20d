import { describe, expect, it } from 'vitest'
import { reply, serve, serveSequence } from '../../../testing/serve.ts'
import { rawClient } from '../../support/raw-client.ts'

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

describe('a connection', () => {
  it('answers pipelined requests in their order', async () => {
    await using server = await serve({
      '/slow': { delay: 20, body: '[slow]' },
      '/*': ({ path }) => reply.text(`[${path}]`),
    })
    using client = await rawClient(server.url)
    client.send(GET('/slow') + GET('/b') + GET('/c'))
    await client.until('[/c]')
    expect(client.text.match(/\[.*?\]/g)).toEqual(['[slow]', '[/b]', '[/c]'])
    expect(server.connections).toMatchObject([{ requests: 3 }])
  })

  it('is closed with an announcement when the reply says so', async () => {
    await using server = await serve({ '/': { close: true, body: 'bye' } })
    using client = await rawClient(server.url)
    client.send(GET('/') + GET('/'))
    expect(await client.ended).toBe('fin')
    expect(client.text).toBe('HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye')
  })

  it('is closed when the client says so', async () => {
    await using server = await serve({ '/': { body: 'bye' } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: Foo, Close\r\n\r\n')
    expect(await client.ended).toBe('fin')
    expect(client.text).toContain('\r\nconnection: close\r\n')
  })

  it('is kept in spite of an announcement that lies', async () => {
    await using server = await serve({ '/': { headers: { connection: 'close' }, body: 'still here' } })
    using client = await rawClient(server.url)
    client.send(GET('/') + GET('/'))
    await client.until(/still here[^]*still here/)
  })

  it('is closed without a word after so many requests', async () => {
    await using server = await serve({ '/': { body: 'ok' } }, { maxRequestsPerConnection: 2 })
    using client = await rawClient(server.url)
    client.send(GET('/'))
    await client.until('ok')
    client.send(GET('/'))
    expect(await client.ended).toBe('fin')
    expect(client.text.match(/ok/g)).toHaveLength(2)
    expect(client.text).not.toMatch(/connection/i)
    expect(await server.closed()).toMatchObject({ closedBy: 'server', requests: 2 })
  })

  it('is closed without a word when it was idle', async () => {
    await using server = await serve({ '/': { body: 'ok', delay: 30 } }, { idleTimeout: 10 })
    using client = await rawClient(server.url)
    client.send(GET('/'))
    expect(await client.ended).toBe('fin')
    expect(client.text).toBe('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    expect(await server.closed()).toMatchObject({ closedBy: 'server' })
  })

  it('stays open after a complete answer that ends with FIN only when the client stays', async () => {
    await using server = await serveSequence([{ body: 'ok', fault: { kind: 'fin', at: 'after-body' } }])
    using client = await rawClient(server.url)
    client.send(GET('/'))
    expect(await client.ended).toBe('fin')
    client.send(GET('/'))
    expect(server.open).toBe(1)
    client.close()
    await server.closed()
    expect(server.requests).toHaveLength(1)
  })

  it('lets the head and the body come apart', async () => {
    await using server = await serve({ '/': { body: 'late', bodyDelay: 20 } })
    using client = await rawClient(server.url)
    client.send(GET('/'))
    expect(await client.until('\r\n\r\n')).not.toContain('late')
    await client.until('late')
  })

  it('gives up a delay when the client leaves', async () => {
    await using server = await serve({ '/': { delay: 60_000 } })
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    // The test runner has timers too, which come and go: twenty of ours cannot be taken for them.
    const before = timers()
    const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(server.url)))
    for (const client of clients) client.send(GET('/'))
    await server.until(({ requests }) => requests.filter(({ complete }) => complete).length === 20)
    expect(timers()).toBeGreaterThan(before + 15)
    for (const client of clients) client.close()
    await server.until(({ open }) => open === 0)
    expect(timers()).toBeLessThan(before + 5)
    expect(new Set(server.connections.map(({ closedBy }) => closedBy))).toEqual(new Set(['client-fin']))
  })

  it('tells a handler that its client left', async () => {
    const told = Promise.withResolvers<boolean>()
    await using server = await serve({
      '/': request => {
        request.gone.addEventListener('abort', () => told.resolve(true))
        return new Promise(() => {})
      },
    })
    using client = await rawClient(server.url)
    client.send(GET('/'))
    await server.received()
    client.close()
    expect(await told.promise).toBe(true)
  })
})
