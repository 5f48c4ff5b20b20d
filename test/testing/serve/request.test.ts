import { describe, expect, it } from 'vitest'
import { reply, serve, type Reply } from '../../../testing/serve.ts'
import { rawClient } from '../../support/raw-client.ts'

describe('a request', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'this is no request line: "hello"'],
    ['two spaces', 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'this is no request line'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'this is no request line'],
    ['another version', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 400, 'this is no request line'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, 'GET / has no Host header'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 400, 'this is no header line: "Host : x"'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n', 400, 'this is no header line: " y"'],
    ['a bare LF', 'GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n', 400, 'this is no header line'],
    ['a NUL', 'GET / HTTP/1.1\r\nHost: x\0\r\n\r\n', 400, 'this is no header line'],
    [
      'two framings',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'both',
    ],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n',
      400,
      'not one plain number',
    ],
    ['a signed length', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n', 400, 'not one plain number'],
    ['another coding', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501, 'is not chunked'],
    [
      'a bad chunk size',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n',
      400,
      'does not begin with its size',
    ],
    [
      'a chunk that goes on',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n',
      400,
      'not framed',
    ],
    [
      'a bad trailer',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx y: z\r\n\r\n',
      400,
      'no header line',
    ],
    ['an endless head', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'b'.repeat(65_536)}`, 431, 'longer than 64 KiB'],
  ])('with %s is refused, and kept as an error', async (_, text, status, message) => {
    await using server = await serve({ '/': { body: 'ok' } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('ok')
    client.send(text)
    expect(await client.ended).toBe('fin')
    expect(client.text).toContain(`okHTTP/1.1 ${status} `)
    expect(server.errors).toHaveLength(1)
    expect(server.errors[0]?.message).toContain(message)
  })

  it('may come in any pieces', async () => {
    await using server = await serve({ '/': async request => reply.text(await request.text()) })
    using client = await rawClient(server.url)
    const text =
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 4\r\n\r\n'
    for (const [at, byte] of [...text].entries()) {
      client.send(byte)
      await server.until(({ connections }) => connections[0]?.bytesIn === at + 1)
    }
    expect(await client.until('abcd')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(server.requests[0]).toMatchObject({ bodyBytes: 4, body: Buffer.from('abcd'), rawTrailers: ['X-Sum', '4'] })
  })

  it('is incomplete when the client leaves in its middle', async () => {
    await using server = await serve({ '/': async request => reply.text(await request.text()) })
    using client = await rawClient(server.url)
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    await server.until(({ requests }) => requests[0]?.bodyBytes === 3)
    client.close()
    await server.closed()
    expect(server.requests[0]).toMatchObject({ complete: false, body: undefined, status: undefined })
    expect(server.errors).toEqual([])
  })
})

describe('Expect: 100-continue', () => {
  const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n'

  it('is answered when the body is read', async () => {
    await using server = await serve({ '/': { body: 'ok' } })
    using client = await rawClient(server.url)
    client.send(HEAD)
    await client.until('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('abc')
    expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  })

  it('is not answered when a reply says so', async () => {
    await using server = await serve({ '/': { body: 'ok', continue: false } })
    using client = await rawClient(server.url)
    client.send(HEAD)
    await server.received()
    client.send('abc')
    expect(await client.until('ok')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it.each([{ early: true }, { read: 'none' }] satisfies Reply[])('gets a final answer and a FIN from %o', async how => {
    await using server = await serve({ '/': { status: 417, ...how } })
    using client = await rawClient(server.url)
    client.send(HEAD)
    expect(await client.ended).toBe('fin')
    expect(client.text).toMatch(/^HTTP\/1\.1 417 /)
    expect(server.requests[0]).toMatchObject({ bodyBytes: 0, complete: false, answered: true })
  })
})

describe('an upload', () => {
  const SIZE = 64 * 1024 * 1024
  const upload = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${SIZE}\r\n\r\n`

  it('is read before it is answered', async () => {
    await using server = await serve({ '/': { body: 'ok' } })
    using client = await rawClient(server.url)
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc')
    await server.until(({ requests }) => requests[0]?.bodyBytes === 3)
    expect(server.requests[0]?.status).toBeUndefined()
    client.send('def')
    await client.until('ok')
  })

  it('is answered early, and read meanwhile, so that the connection goes on', async () => {
    await using server = await serve({ '/': { status: 413, early: true } })
    using client = await rawClient(server.url)
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc')
    await client.until('HTTP/1.1 413 ')
    expect(server.requests[0]?.complete).toBe(false)
    client.send('defGET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until(/413 [^]*413 /)
    expect(server.requests).toMatchObject([{ complete: true, bodyBytes: 6 }, { method: 'GET' }])
  })

  it('meets back-pressure where it is not read, until the server resumes', async () => {
    await using server = await serve({ '/': { status: 413, read: 'none' } })
    using client = await rawClient(server.url)
    client.send(upload)
    await client.until('HTTP/1.1 413 ')
    expect(client.socket.write(new Uint8Array(SIZE))).toBe(false)
    expect(server.connections[0]).toMatchObject({ reading: false })
    expect(server.requests[0]).toMatchObject({ bodyBytes: 0, answered: true })
    expect(client.socket.writableLength).toBe(SIZE)
    server.resume()
    await server.until(({ requests }) => requests[0]?.complete)
    expect(server.requests[0]).toMatchObject({ bodyBytes: SIZE, body: undefined })
    expect(server.connections[0]).toMatchObject({ reading: true })
  })

  it('hides that its client left until the server resumes', async () => {
    await using server = await serve({ '/': { status: 413, read: 'none' } })
    using client = await rawClient(server.url)
    client.send(upload)
    client.send(new Uint8Array(SIZE / 4))
    await client.until('HTTP/1.1 413 ')
    client.close()
    server.resume(1)
    expect(await server.closed()).toMatchObject({ closedBy: 'client-fin' })
    expect(server.requests[0]).toMatchObject({ complete: false })
  })

  it('is read in sips', async () => {
    await using server = await serve({
      '/': { body: 'ok', read: { bytes: 2, every: 1 } },
      '/slow': { body: 'ok', read: 'slow' },
    })
    using client = await rawClient(server.url)
    const steps: number[] = []
    const watched = server.until(({ requests: [request] }) => {
      if (request && request.bodyBytes !== steps.at(-1)) steps.push(request.bodyBytes)
      return request?.complete
    })
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef')
    await watched
    expect(steps).toEqual([0, 2, 4, 6])
    await client.until('ok')
    client.send(`POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`)
    await server.until(({ requests }) => requests[1]?.bodyBytes === 16_384)
    await client.until(/ok[^]*ok/)
  })

  it('waits for a handler that reads it slowly', async () => {
    const gate = Promise.withResolvers<undefined>()
    let seen = 0
    await using server = await serve({
      '/': async request => {
        for await (const piece of request.body) {
          seen += piece.length
          await gate.promise
        }
        return reply.text(String(seen))
      },
    })
    using client = await rawClient(server.url)
    client.send(upload)
    client.send(new Uint8Array(SIZE))
    await server.until(() => seen > 0)
    const { bodyBytes = 0 } = server.requests[0] ?? {}
    expect(bodyBytes).toBeGreaterThan(0)
    expect(bodyBytes).toBeLessThanOrEqual(64 * 1024)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    gate.resolve(undefined)
    await client.until(String(SIZE))
    expect(server.errors).toEqual([])
  })
})
