import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TlsOptions as ServerTls } from 'node:tls'
import type { HttpError } from 'sluice'
import { reply, serve, type Reply, type ServeOptions } from 'sluice/testing'
import { expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { describeEach, open, type Options } from '../../support/http1-engines.ts'
import { refusal, send, sent, type Given } from '../../support/send.ts'

/** Sends one request to a server with one answer, and resolves with the error, without what differs from run to run. */
async function failing(
  answer: Reply,
  { given, server: how, options }: { given?: Given; server?: ServeOptions; options?: Options } = {},
): Promise<{ error: HttpError; message: string; requests: number }> {
  await using server = await serve({ '/*': answer }, how)
  const error = await refusal(open(options), server.url, given)
  const message = error.message.replaceAll(server.url, 'URL').replaceAll(String(server.port), 'PORT')
  return { error, message, requests: server.requests.length }
}

const tls = (identity: ServerTls): ServeOptions => ({ tls: identity })

describeEach('no connection', () => {
  it('is DNS when there is no such host, and says which', async () => {
    const error = await refusal(open(), 'http://nowhere.invalid/')
    expect(error).toMatchObject({
      code: 'DNS',
      phase: 'dns',
      requestWritten: 'no',
      reusedConnection: false,
      attempt: 1,
    })
    expect(error.message).toMatch(
      /^GET http:\/\/nowhere\.invalid\/ was not sent: (there is no address for|the name server gave no answer for) nowhere\.invalid \(E\w+\)\.$/,
    )
    expect(error.cause).toMatchObject({ syscall: 'getaddrinfo' })
  })

  it('is DNS when the look-up throws, or finds nothing of use', async () => {
    const lookups: Options['lookup'][] = [
      () => {
        throw new Error('no look-up today')
      },
      (_host, _options, done) => {
        done(null, [])
      },
      (_host, _options, done) => {
        done(null, [{ address: 'not an address', family: 4 }])
      },
      (_host, _options, done) => {
        done(null, [{ address: '::1', family: 6 }])
      },
    ]
    for (const lookup of lookups) {
      const error = await refusal(open({ lookup, family: 4 }), 'http://api.test/')
      expect(error).toMatchObject({ code: 'DNS', phase: 'dns', requestWritten: 'no' })
    }
  })

  it('is CONNECT when every address refuses, and names each', async () => {
    const server = await serve({})
    await server.close()
    const { port } = server
    const lookup: Options['lookup'] = (_host, _options, done) => {
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
    }
    const error = await refusal(open({ lookup }), `http://api.test:${port}/`, { attempt: 2 })
    expect(error).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'no', attempt: 2 })
    expect(error.message).toBe(
      `attempt 2 of GET http://api.test:${port}/ was not sent: api.test:${port} could not be reached, ` +
        `127.0.0.1:${port} refused the connection (ECONNREFUSED), [::1]:${port} refused the connection (ECONNREFUSED).`,
    )
    expect((error.cause as AggregateError).errors).toHaveLength(2)
    const single = await refusal(open(), `http://127.0.0.1:${port}/`)
    expect(single.message).toBe(
      `GET http://127.0.0.1:${port}/ was not sent: 127.0.0.1:${port} refused the connection (ECONNREFUSED).`,
    )
    expect(single.cause).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' })
  })

  it('is reported to every request that waits', async () => {
    const server = await serve({})
    await server.close()
    const engine = open({ connectionsPerOrigin: 2 })
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => refusal(engine, server.url)))
    expect(all.map(({ code }) => code)).toEqual(Array(5).fill('CONNECT'))
    expect(engine.stats?.().origins).toEqual({})
  })

  it('is tried connectAttempts times', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    let lookups = 0
    const lookup: Options['lookup'] = (_host, _options, done) => {
      // The first two times the port of 127.0.0.2 is asked, on which nobody listens.
      done(null, ++lookups < 3 ? '127.0.0.2' : '127.0.0.1', 4)
    }
    expect((await sent(open({ lookup, connectAttempts: 3 }), `http://api.test:${server.port}/`)).text).toBe('x')
    expect(lookups).toBe(3)
    lookups = 0
    expect((await refusal(open({ lookup, connectAttempts: 2 }), `http://api.test:${server.port}/`)).code).toBe(
      'CONNECT',
    )
    expect(lookups).toBe(2)
  })
})

describeEach('no secure connection', () => {
  const { ca, good, expired, notYetValid, wrongHost, selfSigned, untrusted, client, otherClient } = certificates()

  it.each([
    ['that has expired', expired, 'has expired (CERT_HAS_EXPIRED)'],
    ['that is not valid yet', notYetValid, 'is not valid yet (CERT_NOT_YET_VALID)'],
    [
      'for another host',
      wrongHost,
      "is not one for localhost: Host: localhost. is not in the cert's altnames: DNS:elsewhere.test (ERR_TLS_CERT_ALTNAME_INVALID)",
    ],
    ['signed by itself', selfSigned, 'is signed by nobody but itself (DEPTH_ZERO_SELF_SIGNED_CERT)'],
    [
      'of an unknown authority',
      untrusted,
      /of localhost:\d+ (comes from an authority that is not known|has a signature)/,
    ],
  ])('because of a certificate %s is TLS', async (_, identity, why) => {
    await using server = await serve({ '/*': reply.text('x') }, tls(identity))
    const error = await refusal(open({ tls: { ca } }), `https://localhost:${server.port}/`)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    if (why instanceof RegExp) expect(error.message).toMatch(why)
    else {
      const { port } = server
      expect(error.message).toBe(
        `GET https://localhost:${port}/ was not sent: the certificate of localhost:${port} ${why}.`,
      )
    }
    expect(server.requests).toEqual([])
  })

  it('comes of a plain server, of a handshake that is cut off, and of TLS that is too old', async () => {
    const plain = createServer(socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
    const error = await refusal(open(), `https://127.0.0.1:${(plain.address() as AddressInfo).port}/`)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    plain.close()

    for (const kind of ['fin', 'reset'] as const) {
      await using cut = await serve({}, { ...tls(good), onConnection: () => ({ kind, at: 'accept' }) })
      const cutOff = await refusal(open({ tls: { ca } }), cut.url)
      expect(cutOff).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
      expect(cutOff.message).toContain('was not sent: the TLS handshake with 127.0.0.1:')
      expect(cutOff.message).toMatch(/was cut off \(ECONNRESET\)\.$/)
    }

    await using old = await serve({ '/*': reply.text('x') }, tls({ ...good, maxVersion: 'TLSv1.2' }))
    const tooOld = await refusal(open({ tls: { ca, minVersion: 'TLSv1.3' } }), old.url)
    expect(tooOld).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
  })

  it('comes of a client certificate that is missing, which the server says when the handshake is over', async () => {
    const rules = { ...good, ca, requestCert: true, rejectUnauthorized: true }
    await using server = await serve({ '/*': reply.text('x') }, tls(rules))
    const url = `https://localhost:${server.port}/`
    const error = await refusal(open({ tls: { ca } }), url)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls' })
    expect(error.message).toMatch(
      /^GET \S+ was refused in the TLS handshake: the server wants a client certificate \(ERR_SSL_\w+\)\.$/,
    )
    // Node's server hangs up on one it does not trust without a word of why.
    const { key, cert } = otherClient
    expect((await refusal(open({ tls: { ca, key, cert } }), url)).code).toBe('RESET')
    expect((await sent(open({ tls: { ca, key: client.key, cert: client.cert } }), url)).text).toBe('x')
    expect(server.connections.at(-1)?.tls?.clientName).toBe('ada')
    expect(server.requests.length).toBe(1)
  })

  it('is made with the options given', async () => {
    await using server = await serve({ '/*': reply.text('x') }, tls(good))
    const url = `https://localhost:${server.port}/`
    const first = await sent(open({ tls: { ca, maxVersion: 'TLSv1.2' } }), url)
    expect(first.all('connection')[0]?.connection.tls).toMatchObject({ version: 'TLSv1.2', resumed: false })
    expect(server.connections[0]?.tls).toMatchObject({ protocol: 'TLSv1.2', alpn: 'http/1.1', servername: 'localhost' })
    await using other = await serve({ '/*': reply.text('x') }, tls(wrongHost))
    expect(
      (await sent(open({ tls: { ca, servername: 'elsewhere.test' } }), `https://localhost:${other.port}/`)).text,
    ).toBe('x')
    expect(other.connections[0]?.tls?.servername).toBe('elsewhere.test')
    await using any = await serve({ '/*': reply.text('x') }, tls(selfSigned))
    expect((await sent(open({ tls: { dangerouslyAcceptAnyCertificate: true } }), any.url)).text).toBe('x')
    expect(any.connections[0]?.tls?.servername).not.toBe('127.0.0.1')
  })
})

describeEach('a broken answer', () => {
  const head = 'HTTP/1.1 200 OK\r\n'
  const length = (count: number): string => `${head}content-length: ${count}\r\n\r\n`

  it.each<[what: string, answer: Reply, code: string, phase: string, message: string]>([
    [
      'a reset before the head',
      { fault: { kind: 'reset', at: 'before-head' } },
      'RESET',
      'headers',
      'GET URL was cut off before its answer was there: the server closed the connection (ECONNRESET).',
    ],
    [
      'an end before the head',
      { fault: { kind: 'fin', at: 'before-head' } },
      'RESET',
      'headers',
      'GET URL was cut off before its answer was there: the server closed the connection.',
    ],
    [
      'a reset in the head',
      { body: 'x', fault: { kind: 'reset', at: 'mid-head' } },
      'RESET',
      'headers',
      // Node 22 reports a RST right behind some bytes as a FIN.
      '',
    ],
    [
      'an end in the head',
      { body: 'x', fault: { kind: 'fin', at: 'mid-head' } },
      'RESET',
      'headers',
      'GET URL was cut off before its answer was there: the server closed the connection.',
    ],
    [
      'a reset in the body',
      { body: 'x'.repeat(1000), fault: { kind: 'reset', at: 'mid-body', bytes: 10 } },
      'BODY',
      'body',
      'GET URL was cut off after 10 of 1000 bytes of the body of its answer.',
    ],
    [
      'an end in the body',
      { body: 'x'.repeat(1000), fault: { kind: 'fin', at: 'mid-body', bytes: 10 } },
      'BODY',
      'body',
      'GET URL was cut off after 10 of 1000 bytes of the body of its answer.',
    ],
    [
      'an announced end in the body',
      { raw: `${head}connection: close\r\ncontent-length: 5\r\n\r\nabc`, close: true },
      'BODY',
      'body',
      'GET URL was cut off after 3 of 5 bytes of the body of its answer.',
    ],
    [
      'an end between chunks',
      { raw: `${head}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, close: true },
      'BODY',
      'body',
      'GET URL was cut off after 3 bytes of the body of its answer.',
    ],
    [
      'an announced end between chunks',
      { raw: `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, close: true },
      'BODY',
      'body',
      'GET URL was cut off after 3 bytes of the body of its answer.',
    ],
    [
      'an end before the last line of the chunks',
      { raw: `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n`, close: true },
      'BODY',
      'body',
      'GET URL was cut off after 3 bytes of the body of its answer.',
    ],
    [
      'a chunk size that is none',
      { raw: `${head}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n` },
      'PROTOCOL',
      'body',
      'GET URL was answered with something that is not HTTP/1.1: invalid character in chunk size.',
    ],
    [
      'another protocol',
      { raw: 'SSH-2.0-OpenSSH_9.9\r\n' },
      'PROTOCOL',
      'headers',
      'GET URL was answered with something that is not HTTP/1.1: expected http/, rtsp/ or ice/.',
    ],
    [
      'a status line without a number',
      { raw: 'HTTP/1.1 OK\r\n\r\n' },
      'PROTOCOL',
      'headers',
      'GET URL was answered with something that is not HTTP/1.1: invalid status code.',
    ],
    [
      'a status above 999',
      { raw: 'HTTP/1.1 1000 Many\r\n\r\n' },
      'PROTOCOL',
      'headers',
      'GET URL was answered with something that is not HTTP/1.1: invalid response status.',
    ],
    [
      'a status below 100',
      { raw: 'HTTP/1.1 099 Few\r\ncontent-length: 0\r\n\r\n' },
      'PROTOCOL',
      'headers',
      'GET URL was answered with the status 99, which does not exist.',
    ],
    [
      'length and chunks at once',
      { raw: `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc` },
      'PROTOCOL',
      'headers',
      '',
    ],
    ['two lengths', { raw: `${head}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd` }, 'PROTOCOL', 'headers', ''],
    ['a negative length', { raw: `${head}content-length: -3\r\n\r\nabc` }, 'PROTOCOL', 'headers', ''],
    ['a header with NUL', { raw: `${head}x: a\0b\r\ncontent-length: 0\r\n\r\n` }, 'PROTOCOL', 'headers', ''],
    ['a space before the colon', { raw: `${head}content-length : 0\r\n\r\n` }, 'PROTOCOL', 'headers', ''],
    [
      '101 with an upgrade',
      { raw: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n' },
      'PROTOCOL',
      'headers',
      '',
    ],
    [
      '101 with nothing',
      { raw: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
      'PROTOCOL',
      'headers',
      'GET URL was answered with 101 Switching Protocols, for which it had not asked.',
    ],
    [
      'a head of 70 KiB',
      { headers: { x: 'y'.repeat(70_000) } },
      'TOO_LARGE',
      'headers',
      'GET URL was answered with more header fields than a head may have.',
    ],
    [
      '2001 header fields',
      { headers: Array.from({ length: 2001 }, (_, at) => [`x${at}`, '1'] as const) },
      'TOO_LARGE',
      'headers',
      'GET URL was answered with more than 2000 header fields.',
    ],
    [
      '17 informational answers',
      { informational: Array.from({ length: 17 }, () => ({ status: 103 })), body: 'x' },
      'TOO_LARGE',
      'headers',
      'GET URL was answered with more than 16 informational answers.',
    ],
    [
      'endless trailers',
      { raw: `${head}transfer-encoding: chunked\r\n\r\n0\r\n${'x: y\r\n'.repeat(40_000)}` },
      'TOO_LARGE',
      'body',
      '',
    ],
  ])('%s', async (_, answer, code, phase, message) => {
    const { error, message: said, requests } = await failing({ ...answer, headers: answer.headers ?? [] })
    expect(`${error.code} ${String(error.phase)}`).toBe(`${code} ${phase}`)
    if (message !== '') expect(said).toBe(message)
    expect(error).toMatchObject({ requestWritten: 'yes', reusedConnection: false, attempt: 1 })
    expect(error.request?.method).toBe('GET')
    expect(requests).toBe(1)
  })

  it('is a body without a length whose connection is reset, not ended', async () => {
    const sockets: Socket[] = []
    const server = createServer(socket => {
      sockets.push(socket)
      socket.once('data', () => socket.write(`${head}\r\nabc`))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const error = await refusal(open(), `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
      seen: ({ type }) => type === 'chunk' && sockets[0]?.resetAndDestroy(),
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', cause: { code: 'ECONNRESET' } })
    expect(error.message).toMatch(/ was cut off after 3 bytes of the body of its answer\.$/)
    server.close()
  })

  it('does no harm to the next request', async () => {
    await using server = await serve({
      'GET /bad': { raw: 'HTTP/1.1 099 Few\r\n\r\n' },
      'GET /more': { raw: `${length(3)}abcHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged` },
      'GET /': reply.text('well'),
    })
    const engine = open({ connectionsPerOrigin: 1 })
    for (const path of ['bad', 'more']) {
      await send(engine, server.url + path).over
      expect((await sent(engine, server.url)).text).toBe('well')
    }
  })

  it('is not one with 16 informational answers, a head of 60 KiB, or a body that ends with its connection', async () => {
    await using server = await serve({
      'GET /1xx': { informational: Array.from({ length: 16 }, () => ({ status: 103 })), body: 'x' },
      'GET /large': { headers: { x: 'y'.repeat(60_000) }, body: 'x' },
      'GET /close': { body: 'x', framing: 'close' },
    })
    const engine = open()
    expect((await sent(engine, `${server.url}1xx`)).all('informational')).toHaveLength(16)
    expect((await sent(engine, `${server.url}large`)).text).toBe('x')
    expect((await sent(engine, `${server.url}close`)).text).toBe('x')
  })

  it('is not one that comes byte by byte', async () => {
    await using server = await serve({
      'GET /': {
        headers: [
          ['X-Long-Name', 'a long value'],
          ['y', ''],
        ],
        body: 'x',
        fault: { kind: 'drip', at: 'mid-head', bytes: 1, every: 1 },
      },
    })
    const { head, text } = await sent(open(), server.url)
    expect(head?.headers.flat.slice(0, 4)).toEqual(['X-Long-Name', 'a long value', 'y', ''])
    expect(text).toBe('x')
  })

  it('keeps names, order and case of its header fields', async () => {
    await using server = await serve({
      'GET /': {
        headers: [
          ['X-B', '1'],
          ['x-a', 'caf\u00e9'],
          ['X-B', '2'],
          ['x-empty', ''],
        ],
        statusText: 'All Right',
        body: 'x',
      },
    })
    const { head } = await sent(open(), server.url)
    expect(head?.headers.flat.slice(0, 8)).toEqual(['X-B', '1', 'x-a', 'caf\u00e9', 'X-B', '2', 'x-empty', ''])
    expect(head).toMatchObject({ status: 200, statusText: 'All Right', httpVersion: '1.1', url: server.url })
  })
})

describeEach('a connection that had served others and is closed without an answer', () => {
  it.each(['fin', 'reset'] as const)('(%s) has an idempotent request repeated once, over a new one', async kind => {
    let count = 0
    await using server = await serve({
      '/*': () => (++count % 2 === 0 ? { fault: { kind, at: 'before-head' } } : reply.text(`answer ${count}`)),
    })
    const engine = open()
    await sent(engine, server.url)
    const again = await sent(engine, server.url)
    expect(again.text).toBe('answer 3')
    expect(again.all('connection').map(({ connection }) => connection.reused)).toEqual([true, false])
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 2])
  })

  it('is an error the second time', async () => {
    let count = 0
    await using server = await serve({
      '/*': () => (++count === 1 ? reply.text('x') : { fault: { kind: 'fin', at: 'before-head' } }),
    })
    const engine = open()
    await sent(engine, server.url)
    const error = await refusal(engine, server.url)
    expect(error).toMatchObject({ code: 'RESET', phase: 'headers', requestWritten: 'yes', reusedConnection: false })
    expect(server.requests.length).toBe(3)
  })

  it('is an error for POST, and for a body that is gone', async () => {
    await using server = await serve({
      'GET /': reply.text('x'),
      'POST /': { fault: { kind: 'fin', at: 'before-head' } },
      'PUT /': { fault: { kind: 'fin', at: 'before-head' } },
    })
    const engine = open()
    async function* once(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
    }
    for (const given of [
      { method: 'POST', body: 'x' },
      { method: 'PUT', body: once() },
    ]) {
      await sent(engine, server.url)
      const error = await refusal(engine, server.url, given)
      expect(error).toMatchObject({ code: 'RESET', requestWritten: 'yes', reusedConnection: true })
    }
    expect(server.requests.filter(({ method }) => method !== 'GET').length).toBe(2)
  })

  it('does not keep GET from its answer, whatever connections the server closes unannounced', async () => {
    await using server = await serve({ '/*': reply.text('x') }, { maxRequestsPerConnection: 1 })
    const engine = open({ connectionsPerOrigin: 3 })
    const failures: (HttpError | undefined)[] = []
    const work = async (method: string): Promise<void> => {
      for (let count = 0; count < 60; count++) {
        const body = method === 'POST' ? { body: 'x' } : {}
        failures.push((await send(engine, server.url, { method, ...body }).over).failure)
      }
    }
    await Promise.all(['GET', 'POST', 'GET', 'PUT', 'GET', 'GET'].map(work))
    const wrong = failures.filter(failure => failure !== undefined)
    // Only what must not be repeated may fail, and only because the server hung up in the moment in which it was sent.
    for (const failure of wrong) {
      expect(failure).toMatchObject({ code: 'RESET', phase: 'headers', reusedConnection: true })
      expect(failure.request?.method).toBe('POST')
    }
    expect(server.requests.filter(({ method }) => method === 'POST').length).toBeLessThanOrEqual(60)
  })

  it('has a body produced again that can be', async () => {
    let count = 0
    await using server = await serve({
      'GET /': reply.text('x'),
      'PUT /': async request =>
        ++count === 1 ? { fault: { kind: 'fin', at: 'before-head' } } : reply.text(await request.text()),
    })
    const engine = open()
    await sent(engine, server.url)
    let made = 0
    const body = () =>
      (async function* () {
        yield new TextEncoder().encode(`body ${++made}`)
      })()
    expect((await sent(engine, server.url, { method: 'PUT', body })).text).toBe('body 2')
  })

  it('has a request that was never written sent over another, whatever its method', async () => {
    await using server = await serve({ '/*': reply.text('x') }, { idleTimeout: 5 })
    const engine = open()
    let failed = 0
    for (let round = 0; round < 60; round++) {
      await sent(engine, server.url)
      await server.until(({ requests }) => requests.at(-1)?.answered)
      // Just when the server gives up the connection.
      const until = performance.now() + 4 + (round % 8) * 0.5
      while (performance.now() < until) await new Promise(resolve => setImmediate(resolve))
      const { failure } = await send(engine, server.url, { method: 'GET' }).over
      if (failure !== undefined) failed++
    }
    expect(failed).toBe(0)
  })
})
