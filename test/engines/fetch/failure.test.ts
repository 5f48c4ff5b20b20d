import { type Engine } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { serve, type Reply } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { refusal } from '../../support/send.ts'

const engines: Engine[] = []

function open(options?: Parameters<typeof fetch>[0]): Engine {
  const engine = fetch(options).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

const { good, expired, wrongHost } = certificates()

describe('on Node, where the platform tells', () => {
  it.each<[what: string, answer: Reply, expected: readonly [string, string, string]]>([
    [
      'a FIN before the head',
      { fault: { kind: 'fin', at: 'before-head' } },
      ['RESET', 'headers', 'was cut off before its answer was there: the server closed the connection.'],
    ],
    [
      'a RST before the head',
      { fault: { kind: 'reset', at: 'before-head' } },
      ['RESET', 'headers', 'the server closed the connection (ECONNRESET).'],
    ],
    [
      'a head that breaks off',
      { body: 'x', fault: { kind: 'fin', at: 'mid-head' } },
      ['RESET', 'headers', 'was cut off before its answer was there'],
    ],
    [
      'a body that breaks off',
      { body: 'x'.repeat(10), fault: { kind: 'fin', at: 'mid-body', bytes: 3 } },
      ['BODY', 'body', 'was cut off after 3 of 10 bytes of the body of its answer.'],
    ],
    [
      'a RST in the body',
      { body: 'x'.repeat(10), fault: { kind: 'reset', at: 'mid-body', bytes: 3 } },
      ['BODY', 'body', 'bytes of the body of its answer.'],
    ],
    [
      'a broken chunk',
      { raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', close: true },
      ['PROTOCOL', 'body', 'was answered with something that is not HTTP/1.1: invalid character in chunk size.'],
    ],
    [
      'no HTTP',
      { raw: 'SSH-2.0-OpenSSH_9.9\r\n', close: true },
      ['PROTOCOL', 'headers', 'was answered with something that is not HTTP/1.1: expected http/'],
    ],
    [
      'a head without end',
      { raw: `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(200_000)}\r\n\r\n` },
      ['TOO_LARGE', 'headers', 'was answered with more header fields than a head may have.'],
    ],
    [
      '101 unasked',
      { raw: 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n' },
      ['PROTOCOL', 'headers', 'was answered with 101 Switching Protocols, for which it had not asked.'],
    ],
    [
      '100 unasked',
      { raw: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n' },
      ['PROTOCOL', 'headers', 'was answered with 100 Continue, for which it had not asked.'],
    ],
    [
      'a status that cannot be',
      { raw: 'HTTP/1.1 099 X\r\n\r\n' },
      ['PROTOCOL', 'headers', 'was answered with something that is not HTTP/1.1.'],
    ],
    [
      'a body that is not gzip',
      { headers: { 'content-encoding': 'gzip' }, body: 'plain' },
      ['BODY', 'decode', 'has an answer whose body cannot be decoded (Z_DATA_ERROR).'],
    ],
  ])('%s is what it is on every engine', async (_, answer, [code, phase, words]) => {
    await using server = await serve({ 'GET /': answer })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code, phase, requestWritten: 'yes' })
    expect(error.message).toContain(`GET ${server.url} `)
    expect(error.message).toContain(words)
  })

  it('a name without an address is DNS', async () => {
    const error = await refusal(open(), 'http://nowhere.invalid/')
    expect(error).toMatchObject({ code: 'DNS', phase: 'dns', requestWritten: 'no' })
    expect(error.message).toMatch(
      /^GET http:\/\/nowhere\.invalid\/ was not sent: (?:there is no address for|the name server gave no answer for) nowhere\.invalid \(E/,
    )
  })

  it('a refused connection is CONNECT, and names what was tried', async () => {
    const server = await serve({})
    await server.close()
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'no' })
    expect(error.message).toBe(
      `GET ${server.url} was not sent: 127.0.0.1:${server.port} refused the connection (ECONNREFUSED).`,
    )
  })

  it.each([
    ['not trusted', good, /certificate of 127\.0\.0\.1:\d+ comes from an authority that is not known|is not trusted/],
    ['expired', expired, /certificate of 127\.0\.0\.1:\d+ /],
    ['of somebody else', wrongHost, /certificate of 127\.0\.0\.1:\d+ /],
  ])('a certificate that is %s is TLS', async (_, identity, words) => {
    await using server = await serve({}, { tls: identity })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    expect(error.message).toMatch(words)
  })

  it('a handshake that is cut off is TLS', async () => {
    await using server = await serve({}, { onConnection: () => ({ kind: 'fin', at: 'accept' }) })
    const error = await refusal(open(), server.url.replace('http:', 'https:'))
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
  })

  it('a port the platform does not connect to is UNSUPPORTED', async () => {
    const error = await refusal(open(), 'http://127.0.0.1:9/')
    expect(error).toMatchObject({ code: 'UNSUPPORTED', requestWritten: 'no' })
    expect(error.message).toContain('asks for port 9, to which this platform does not connect')
  })
})

describe('limits of the platform', () => {
  const failing = (code: string, body?: true) => (): Promise<Response> => {
    const error = new TypeError('fetch failed', { cause: Object.assign(new Error('too slow'), { code }) })
    if (body === undefined) return Promise.reject(error)
    const stream = new ReadableStream({
      pull: () => {
        throw error
      },
    })
    return Promise.resolve(new Response(stream))
  }

  it.each([
    ['UND_ERR_CONNECT_TIMEOUT', undefined, 'connect', 'no'],
    ['UND_ERR_HEADERS_TIMEOUT', undefined, 'headers', 'yes'],
    ['UND_ERR_BODY_TIMEOUT', true, 'idle', 'yes'],
  ] as const)('%s is TIMEOUT in its phase', async (code, body, phase, requestWritten) => {
    const error = await refusal(open({ fetch: failing(code, body) }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'TIMEOUT', phase, requestWritten })
  })
})

describe('where the platform tells nothing', () => {
  it('the error says so, and that the request may have been written', async () => {
    const own = (): Promise<Response> => Promise.reject(new TypeError('Failed to fetch'))
    const error = await refusal(open({ fetch: own }), 'https://api.test/', { method: 'POST', body: 'x', attempt: 2 })
    expect(error).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'maybe', attempt: 2 })
    expect(error.message).toBe(
      'attempt 2 of POST https://api.test/ got no answer, and this platform does not tell why: it may be the network, the name, the certificate, the answer itself, a rule of the page or the server about other origins (CORS).',
    )
  })

  it('a body that ends with any error was cut off', async () => {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(3))
      },
      pull() {
        throw new TypeError('network error')
      },
    })
    const own = (): Promise<Response> => Promise.resolve(new Response(stream))
    const error = await refusal(open({ fetch: own }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'BODY', phase: 'body' })
    expect(error.message).toBe('GET https://api.test/ was cut off after 3 bytes of the body of its answer.')
  })
})
