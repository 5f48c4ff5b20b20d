import { describe, expect, it } from 'vitest'
import { reply, serve, type Reply } from '../../../testing/serve.ts'
import { rawClient } from '../../support/raw-client.ts'

/** What goes over the wire for one GET, up to the FIN. */
async function wire(
  answer: Reply,
  request: string = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
): Promise<string> {
  await using server = await serve({ '/': answer })
  using client = await rawClient(server.url)
  client.send(request)
  await client.ended
  expect(server.errors).toEqual([])
  return client.text
}

const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n')

describe('a reply', () => {
  it('is an empty 200 when it says nothing', async () => {
    expect(await wire({})).toBe(head('HTTP/1.1 200 OK', 'content-length: 0', 'connection: close'))
  })

  it('keeps order, case and repetition of header fields', async () => {
    const headers = [
      ['X-CaSe', 'a'],
      ['Set-Cookie', 'a=1'],
      ['x-case', 'b'],
      ['Set-Cookie', 'b=2'],
    ] as const
    expect(await wire({ headers })).toBe(
      head(
        'HTTP/1.1 200 OK',
        ...headers.map(([name, value]) => `${name}: ${value}`),
        'content-length: 0',
        'connection: close',
      ),
    )
  })

  it('makes several lines of a list in a record, and none of undefined', async () => {
    expect(await wire({ headers: { 'X-A': ['1', '2'], 'X-B': undefined, 'X-N': 3 } })).toContain(
      '\r\nX-A: 1\r\nX-A: 2\r\nX-N: 3\r\n',
    )
  })

  it('takes any status and phrase', async () => {
    expect(await wire({ status: 299, statusText: 'Quite' })).toMatch(/^HTTP\/1\.1 299 Quite\r\n/)
    expect(await wire({ status: 200, statusText: '' })).toMatch(/^HTTP\/1\.1 200 \r\n/)
    expect(await wire(reply.status(777))).toMatch(/^HTTP\/1\.1 777 \r\n/)
  })

  it.each([
    ['text', 'häh', 'content-length: 4', 'h\xc3\xa4h'],
    ['bytes', Uint8Array.of(65, 66), 'content-length: 2', 'AB'],
    ['a buffer', new Uint8Array([65, 66]).buffer, 'content-length: 2', 'AB'],
    ['an object', { a: 1 }, 'content-type: application/json\r\ncontent-length: 7', '{"a":1}'],
    ['an array', [1, 2], 'content-type: application/json\r\ncontent-length: 5', '[1,2]'],
    ['null', null, 'content-type: application/json\r\ncontent-length: 4', 'null'],
    ['a number', 7, 'content-type: application/json\r\ncontent-length: 1', '7'],
    ['false', false, 'content-type: application/json\r\ncontent-length: 5', 'false'],
  ] as const)('sends %s', async (_, body, fields, text) => {
    expect(await wire({ body })).toBe(`HTTP/1.1 200 OK\r\n${fields}\r\nconnection: close\r\n\r\n${text}`)
  })

  it('sends an iterable in chunks, without the empty ones that would end it', async () => {
    expect(await wire(reply.chunks(['one', '', Uint8Array.of(65)]))).toBe(
      `${head('HTTP/1.1 200 OK', 'transfer-encoding: chunked', 'connection: close')}3\r\none\r\n1\r\nA\r\n0\r\n\r\n`,
    )
  })

  it('sends an async iterable, and a web stream', async () => {
    async function* pieces(): AsyncGenerator<string> {
      yield 'a'
      yield 'b'
    }
    expect(await wire({ body: pieces() })).toContain('1\r\na\r\n1\r\nb\r\n0\r\n\r\n')
    expect(await wire({ body: new Blob(['c']).stream() })).toContain('1\r\nc\r\n0\r\n\r\n')
  })

  it('frames a body as it is told', async () => {
    expect(await wire({ body: 'abc', framing: 'chunked' })).toContain('3\r\nabc\r\n0\r\n\r\n')
    expect(await wire({ body: 'abc', framing: 'close' }, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toBe(
      `${head('HTTP/1.1 200 OK', 'connection: close')}abc`,
    )
    expect(await wire(reply.chunks(['abc'], { headers: { 'Content-Length': 3 } }))).toContain(
      'Content-Length: 3\r\nconnection: close\r\n\r\nabc',
    )
  })

  it('lies about its length when it is told to', async () => {
    expect(await wire({ body: 'abc', headers: { 'content-length': 10 } })).toContain(
      'content-length: 10\r\nconnection: close\r\n\r\nabc',
    )
  })

  it('ends with trailers', async () => {
    expect(await wire({ body: 'abc', trailers: { 'X-Sum': '1' } })).toContain('3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n')
  })

  it('sends informational heads before the delay', async () => {
    const informational = [{ status: 103, headers: { link: '</a.css>' } }, { status: 102 }]
    expect(await wire({ informational, delay: 5, body: 'x' })).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    )
  })

  it.each([204, 304, 199])('sends no body with %i', async status => {
    expect(await wire({ status, body: 'never' })).toMatch(/\r\nconnection: close\r\n\r\n$/)
  })

  it('is exactly its raw bytes', async () => {
    expect(
      await wire(reply.raw('HTTP/1.1 204 x\r\n\r\nsurplus\xff', { close: true }), 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'),
    ).toBe('HTTP/1.1 204 x\r\n\r\nsurplus\xff')
    expect(await wire(reply.raw(['HTTP/1.1 ', '200 \xff\r\n\r\n'], { close: true }))).toBe('HTTP/1.1 200 \xff\r\n\r\n')
  })

  it('keeps an HTTP/1.0 connection only for a client that asks, and never sends it chunks', async () => {
    expect(await wire(reply.chunks(['abc']), 'GET / HTTP/1.0\r\n\r\n')).toBe(
      `${head('HTTP/1.1 200 OK', 'connection: close')}abc`,
    )
    expect(await wire({ close: true, body: 'a' }, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')).toContain(
      'connection: close',
    )
    await using server = await serve({ '/': { body: 'kept' } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    expect(await client.until('kept')).toContain('connection: keep-alive\r\n')
  })

  it('sends the client elsewhere', async () => {
    expect(await wire(reply.redirect('/there', { status: 308 }))).toMatch(
      /^HTTP\/1\.1 308 Permanent Redirect\r\nlocation: \/there\r\n/,
    )
  })

  it('refuses what cannot be a body', async () => {
    await using server = await serve({
      'GET /blob': { body: new Blob(['a']) },
      'GET /unknown': reply.chunks(['a'], { framing: 'length' }),
    })
    for (const path of ['blob', 'unknown']) expect((await fetch(server.url + path)).status).toBe(500)
    expect(server.errors.map(String)).toEqual([
      'TypeError: a body cannot be a Blob; await it and give its bytes',
      "TypeError: framing: 'length' needs a body of known length, or a content-length header",
    ])
  })
})

describe('reply.bytes', () => {
  it('sends so many bytes, of which every client knows what they are', async () => {
    await using server = await serve({ '/*': reply.bytes(100_001) })
    for (const path of ['once', 'twice']) {
      const response = await fetch(server.url + path)
      expect(response.headers.get('content-length')).toBe('100001')
      const bytes = new Uint8Array(await response.arrayBuffer())
      expect(bytes.length).toBe(100_001)
      expect(bytes.every((byte, at) => byte === at % 256)).toBe(true)
    }
  })

  it('makes the next bytes only when the kernel took the last', async () => {
    await using server = await serve({ '/': reply.bytes(Infinity) })
    using client = await rawClient(server.url)
    client.socket.pause()
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    // The kernel's buffers take some MiB, then the count stands still: the socket is not writable any more.
    let before = -1
    for (let out = 0; out !== before; out = server.connections[0]?.bytesOut ?? 0) {
      before = out
      for (let turn = 0; turn < 500; turn += 1) await new Promise(resolve => setImmediate(resolve))
    }
    expect(before).toBeGreaterThan(64 * 1024)
    expect(before).toBeLessThan(16 * 1024 * 1024)
    expect(server.requests[0]).toMatchObject({ status: 200, answered: false })
  })

  it('refuses a count that is none', () => {
    expect(() => reply.bytes(-1)).toThrow('a body of -1 bytes cannot be')
  })
})
