import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reply, serve, serveSequence } from '../../testing/serve.ts'
import { rawClient } from '../support/raw-client.ts'

describe('serve', () => {
  it('answers with what the route of the path says', async () => {
    await using server = await serve({
      'GET /users/:id': ({ params, query }) => reply.json({ id: params['id'], full: query.get('full') }),
      'GET /users': { body: 'everybody' },
    })
    const one = await fetch(`${server.url}users/a%2Fb?full=yes`)
    expect(one.headers.get('content-type')).toBe('application/json')
    expect(await one.json()).toEqual({ id: 'a/b', full: 'yes' })
    expect(await (await fetch(`${server.url}users`)).text()).toBe('everybody')
  })

  it('takes the first pattern that fits, and * for the rest of the path', async () => {
    await using server = await serve({
      'GET /files/readme': { body: 'first' },
      '/files/*': ({ method, params }) => reply.text(`${method} ${params['*'] ?? ''}`),
    })
    expect(await (await fetch(`${server.url}files/readme`)).text()).toBe('first')
    expect(await (await fetch(`${server.url}files/a/b.txt`, { method: 'PUT' })).text()).toBe('PUT a/b.txt')
  })

  it('takes a dot and other marks in a pattern literally', async () => {
    await using server = await serve({ 'GET /a.b+c(d)': { body: 'literal' } })
    expect((await fetch(`${server.url}a.b+c(d)`)).status).toBe(200)
    expect((await fetch(`${server.url}axb+c(d)`)).status).toBe(404)
  })

  it('finds the path in an absolute target, as a proxy gets it', async () => {
    await using server = await serve({ 'GET /path': { body: 'proxied' } })
    using client = await rawClient(server.url)
    client.send('GET http://example.test/path?x=1 HTTP/1.1\r\nHost: example.test\r\n\r\n')
    expect(await client.until('proxied')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(server.requests[0]?.target).toBe('http://example.test/path?x=1')
  })

  it('lists its routes to who asks for another', async () => {
    await using server = await serve({ 'GET /a': {}, '/b/*': {} })
    const response = await fetch(`${server.url}nowhere`, { method: 'DELETE' })
    expect(response.status).toBe(404)
    expect(await response.text()).toBe('no route for DELETE /nowhere; there are:\n  GET /a\n  /b/*\n')
  })

  it('answers 500 when a route throws, and keeps the error', async () => {
    const fault = new Error('the cat sat on it')
    await using server = await serve({
      'GET /throws': () => {
        throw fault
      },
      'GET /rejects': () => Promise.reject(fault),
    })
    const response = await fetch(`${server.url}throws`)
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('the cat sat on it')
    expect((await fetch(`${server.url}rejects`)).status).toBe(500)
    expect(server.errors).toEqual([fault, fault])
  })

  it('refuses a pattern that is none', async () => {
    await expect(serve({ 'GET users': {} })).rejects.toThrow(
      "'GET users' is no route; write 'GET /users/:id' or '/files/*'",
    )
  })

  it('answers HEAD from a GET route, without its body', async () => {
    await using server = await serve({ 'GET /': { body: 'hello' } })
    using client = await rawClient(server.url)
    client.send('HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('hello')
    expect(client.text).toBe(
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello',
    )
  })

  it('gives a handler the request, and its body as bytes, text, JSON or pieces', async () => {
    await using server = await serve({
      'POST /echo': async request => ({
        status: 201,
        headers: { 'content-type': request.header('Content-Type') },
        body: await request.bytes(),
      }),
      'POST /text': async request => reply.text((await request.text()).toUpperCase()),
      'POST /json': async request => reply.json((await request.json<{ n: number }>()).n + 1),
      'POST /live': request => ({ body: request.body, early: true }),
      'POST /kept': request => ({ body: request.body }),
    })
    const post = (path: string, body: string): Promise<Response> =>
      fetch(server.url + path, { method: 'POST', body, headers: { 'content-type': 'text/x' } })
    const echo = await post('echo', 'hello')
    expect([echo.status, echo.headers.get('content-type'), await echo.text()]).toEqual([201, 'text/x', 'hello'])
    expect(await (await post('text', 'hello')).text()).toBe('HELLO')
    expect(await (await post('json', '{"n":1}')).text()).toBe('2')
    expect(await (await post('live', 'x'.repeat(300_000))).text()).toBe('x'.repeat(300_000))
    expect(await (await post('kept', 'x'.repeat(300_000))).text()).toBe('x'.repeat(300_000))
    expect(server.errors).toEqual([])
  })

  it('listens on another host', async () => {
    await using server = await serve({ '/': { body: 'six' } }, { host: '::1' })
    expect(server.url).toBe(`http://[::1]:${server.port}/`)
    expect(await (await fetch(server.url)).text()).toBe('six')
  })

  it.skipIf(process.platform === 'win32')('listens on a Unix socket', async () => {
    const socketPath = join(tmpdir(), `sluice-${process.pid}-${Math.trunc(performance.now())}.sock`)
    await using server = await serve({ '/': { body: 'local' } }, { socketPath })
    expect([server.url, server.port]).toEqual(['http://localhost/', 0])
    const socket = connect(socketPath)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const piece of socket) text += String(piece)
    expect(text).toContain('local')
    await server.closed()
  })

  it('destroys every connection and frees its port when it is closed', async () => {
    const server = await serve({ '/': { fault: { kind: 'stall', at: 'before-head' } } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await server.received()
    await server.close()
    expect(await client.ended).toBe('fin')
    expect(server.connections[0]).toMatchObject({ open: false, closedBy: 'server' })
    await expect(rawClient(server.url)).rejects.toThrow('ECONNREFUSED')
    await server.close()
  })
})

describe('serveSequence', () => {
  it('gives the nth request the nth reply, whatever it asks for', async () => {
    await using server = await serveSequence([reply.status(503), ({ path }) => reply.text(path)])
    expect(server.remaining).toBe(2)
    expect((await fetch(`${server.url}a`)).status).toBe(503)
    expect(await (await fetch(`${server.url}b`)).text()).toBe('/b')
    expect(server.remaining).toBe(0)
  })

  it('answers 500 past the end, and keeps that as an error', async () => {
    await using server = await serveSequence([])
    const response = await fetch(`${server.url}more`)
    expect(response.status).toBe(500)
    expect(await response.text()).toBe('GET /more came after the last of 0 replies\n')
    expect(server.errors).toHaveLength(1)
  })
})
