import { describe, expect, it } from 'vitest'
import { reply, serve } from '../../../testing/serve.ts'
import { rawClient } from '../../support/raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

describe('the account', () => {
  it('shows a request exactly as it was sent', async () => {
    await using server = await serve({ '/*': { status: 201, body: 'ok' } })
    const before = performance.now()
    using client = await rawClient(server.url)
    client.send(
      'PUT /a%20b?q=1&q=2 HTTP/1.1\r\nHost: x\r\nX-CaSe:  v \r\nx-case: w\r\nCookie: a=1\r\nCookie: b=2\r\nContent-Length: 5\r\n\r\nhello',
    )
    await client.until('ok')
    expect(server.requests).toEqual([
      {
        method: 'PUT',
        target: '/a%20b?q=1&q=2',
        httpVersion: '1.1',
        rawHeaders: [
          'Host',
          'x',
          'X-CaSe',
          'v',
          'x-case',
          'w',
          'Cookie',
          'a=1',
          'Cookie',
          'b=2',
          'Content-Length',
          '5',
        ],
        headers: { host: 'x', 'x-case': 'v, w', cookie: 'a=1; b=2', 'content-length': '5' },
        rawTrailers: [],
        bodyBytes: 5,
        body: Buffer.from('hello'),
        complete: true,
        connection: 1,
        at: expect.any(Number) as number,
        stream: undefined,
        bytesOut: 2,
        brokenAt: undefined,
        resetCode: undefined,
        status: 201,
        answered: true,
      },
    ])
    expect(server.requests[0]?.at).toBeGreaterThanOrEqual(before)
    expect(server.requests[0]?.at).toBeLessThanOrEqual(performance.now())
  })

  it('counts bytes and requests of a connection', async () => {
    await using server = await serve({ '/': { body: 'ok' } })
    using client = await rawClient(server.url)
    client.send(GET)
    await client.until('ok')
    client.send(GET)
    await client.until(/ok[^]*ok/)
    expect(server.connections[0]).toMatchObject({
      id: 1,
      port: client.socket.localPort,
      open: true,
      closedAt: undefined,
      closedBy: undefined,
      requests: 2,
      bytesIn: 2 * GET.length,
      bytesOut: client.text.length,
    })
    client.close()
    const account = await server.closed(1)
    expect(account).toMatchObject({ open: false, closedBy: 'client-fin' })
    expect(account.closedAt).toBeGreaterThan(account.openedAt)
    expect(server.open).toBe(0)
  })

  it('tells who ended a connection', async () => {
    await using server = await serve({ '/': { body: 'ok' }, '/close': { close: true } })
    using fin = await rawClient(server.url)
    fin.close()
    expect((await server.closed(1)).closedBy).toBe('client-fin')
    using reset = await rawClient(server.url)
    reset.reset()
    expect((await server.closed(2)).closedBy).toBe('client-reset')
    using closed = await rawClient(server.url)
    closed.send(GET.replace('/', '/close'))
    await closed.ended
    closed.close()
    expect((await server.closed(3)).closedBy).toBe('server')
  })

  it('ends an endless answer at once when the client leaves, and tells its source', async () => {
    let returned = false
    async function* endless(): AsyncGenerator<string> {
      try {
        yield 'begun'
        await new Promise(() => {})
      } finally {
        returned = true
      }
    }
    function* busy(): Generator<string> {
      try {
        for (;;) yield 'busy'
      } finally {
        returned = true
      }
    }
    await using server = await serve({ '/stuck': () => ({ body: endless() }), '/busy': () => ({ body: busy() }) })
    using stuck = await rawClient(server.url)
    stuck.send(GET.replace('/', '/stuck'))
    await stuck.until('begun')
    stuck.close()
    expect(await server.closed()).toMatchObject({ closedBy: 'client-fin' })
    expect(server.requests[0]).toMatchObject({ status: 200, answered: false })
    using client = await rawClient(server.url)
    client.send(GET.replace('/', '/busy'))
    await client.until('busy')
    client.close()
    await server.closed(2)
    expect(returned).toBe(true)
    expect(server.errors).toEqual([])
  })

  it('keeps the error of a body that throws, and resets the connection', async () => {
    function* broken(): Generator<string> {
      yield 'one'
      throw new Error('no more')
    }
    await using server = await serve({ '/': () => ({ body: broken() }) })
    using client = await rawClient(server.url)
    client.send(GET)
    expect(await client.ended).toBe('reset')
    expect(client.text).toContain('3\r\none\r\n')
    expect(server.errors).toMatchObject([{ message: 'no more' }])
  })

  it('does not keep a body that is longer than keepBody', async () => {
    await using server = await serve(
      { '/count': {}, '/bytes': async request => reply.text(String((await request.bytes()).length)) },
      { keepBody: 9 },
    )
    const post = (path: string): Promise<Response> => fetch(server.url + path, { method: 'POST', body: '0123456789' })
    expect((await post('count')).status).toBe(200)
    expect(server.requests[0]).toMatchObject({ bodyBytes: 10, complete: true, body: undefined })
    expect(await (await post('bytes')).text()).toContain(
      'the request body is longer than keepBody (9 bytes); iterate over it instead',
    )
  })
})

describe('waiting on the account', () => {
  it('resolves with the nth request', async () => {
    await using server = await serve({ '/*': {} })
    const second = server.received(2)
    await fetch(`${server.url}a`)
    await fetch(`${server.url}b`)
    expect((await second).target).toBe('/b')
    expect((await server.received()).target).toBe('/a')
  })

  it('resolves with the first truthy answer of a predicate', async () => {
    await using server = await serve({ '/': {} })
    const seen = server.until(({ requests }) => requests.find(({ complete }) => complete)?.bodyBytes)
    await fetch(server.url, { method: 'POST', body: 'abc' })
    expect(await seen).toBe(3)
    expect(await server.until(({ open }) => open)).toBe(1)
  })

  it('says what the server saw when it waited in vain', async () => {
    await using server = await serve({ '/': {} })
    await fetch(server.url)
    await expect(server.received(2, 1)).rejects.toThrow(
      'waited 1 ms for request 2, which did not happen; the server saw 1 connections (1 open) and the requests [GET /]',
    )
    await expect(server.closed(1, 1)).rejects.toThrow('waited 1 ms for connection 1 to close')
  })

  it('rejects with what the predicate throws', async () => {
    await using server = await serve({})
    const failing = (): never => {
      throw new Error('a mistake in the test')
    }
    await expect(server.until(failing)).rejects.toThrow('a mistake in the test')
  })

  it('ends with the server', async () => {
    const server = await serve({ '/': {} })
    await fetch(server.url)
    const vain = expect(server.received(9)).rejects.toThrow('the server was closed while somebody waited')
    const closed = server.closed(1)
    await server.close()
    await vain
    expect((await closed).closedBy).toBe('server')
    await expect(server.received(9)).rejects.toThrow('the server was closed while somebody waited for request 9')
    expect((await server.received()).target).toBe('/')
  })
})
