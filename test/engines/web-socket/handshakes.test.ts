import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { LIMITS, type HttpError } from 'sluice'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { serve } from 'sluice/testing'
import { WebSocketServer } from 'ws'
import { blackHole } from '../../support/black-hole.ts'
import { converse, current, describeSpeaking, raw } from '../../support/web-socket-engines.ts'
import { frame, goodbye, rawServer } from '../../support/web-socket-raw.ts'
import { asking, Talk } from '../../support/web-socket-talk.ts'

describeSpeaking('the handshake', engine => {
  const h2 = engine.protocol === 'h2c'

  it('says what is wished for, with the fields of the request', async () => {
    const server = await raw(engine.protocol, { fields: { 'Sec-WebSocket-Protocol': 'chat.v2' } })
    const wish = { protocols: ['chat', 'chat.v2'], compress: true }
    const talk = await new Talk(current(), asking(`${server.url}a?b=c`, wish, { cookie: 'd=e', 'X-F': 'g' })).open()
    expect(talk.socket).toMatchObject({ protocol: 'chat.v2', compressed: false, pings: true, bufferedAmount: 0 })
    const [fields] = server.handshakes
    expect(fields).toMatchObject({
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'chat, chat.v2',
      'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
      cookie: 'd=e',
      'x-f': 'g',
      ...(h2
        ? { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/a?b=c', ':scheme': 'http' }
        : { upgrade: 'websocket', connection: 'Upgrade', host: new URL(server.url).host }),
    })
    if (h2) expect(fields).not.toHaveProperty('sec-websocket-key')
    else expect(fields?.['sec-websocket-key']).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect(talk.events.map(({ type }) => type)).toEqual(['connection', 'sent', 'head'])
    expect(talk.head).toMatchObject(h2 ? { status: 200, httpVersion: '2' } : { status: 101, httpVersion: '1.1' })
  })

  it('says nothing of what is not wished for', async () => {
    const server = await raw(engine.protocol)
    await new Talk(current(), asking(server.url)).open()
    expect(Object.keys(server.handshakes[0] ?? {}).filter(name => name.startsWith('sec-'))).toEqual(
      h2 ? ['sec-websocket-version'] : ['sec-websocket-key', 'sec-websocket-version'],
    )
  })

  it.each<[string, Record<string, string | undefined>, RegExp, ('h2c' | 'http/1.1')?]>([
    [
      'a proof of another key',
      { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
      /does not fit the key/,
      'http/1.1',
    ],
    ['no proof', { 'Sec-WebSocket-Accept': undefined }, /does not fit the key/, 'http/1.1'],
    ['an upgrade to something else', { Upgrade: 'h2c' }, /but not to WebSocket/, 'http/1.1'],
    ['an upgrade to nothing', { Upgrade: undefined }, /but not to WebSocket/, 'http/1.1'],
    ['a connection that is not upgraded', { Connection: 'keep-alive' }, /but not to WebSocket/, 'http/1.1'],
    [
      'a sub-protocol that was not offered',
      { 'Sec-WebSocket-Protocol': 'mqtt' },
      /the sub-protocol "mqtt", where only chat was offered/,
    ],
    ['a sub-protocol in other letters', { 'Sec-WebSocket-Protocol': 'CHAT' }, /the sub-protocol "CHAT"/],
    ['two sub-protocols', { 'Sec-WebSocket-Protocol': 'chat, chat' }, /the sub-protocol "chat, chat"/],
    [
      'an extension that was not offered',
      { 'Sec-WebSocket-Extensions': 'x-webkit-deflate-frame' },
      /an extension that was not offered/,
    ],
    [
      'one extension twice',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate, permessage-deflate' },
      /an extension that was not offered/,
    ],
    [
      'a window of 1000 bits',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=1000' },
      /an extension that cannot be/,
    ],
    [
      'a window of 7 bits',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=7' },
      /an extension that cannot be/,
    ],
    [
      'a parameter that does not exist',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; x=1' },
      /an extension that cannot be/,
    ],
    [
      'extensions that cannot be read',
      { 'Sec-WebSocket-Extensions': 'permessage-deflate;' },
      /an extension that cannot be/,
    ],
  ])('refuses %s', async (_, fields, why, only) => {
    if (only !== undefined && only !== engine.protocol) return
    const server = await raw(engine.protocol, { fields })
    const talk = await new Talk(current(), asking(server.url, { protocols: ['chat'], compress: true })).end()
    expect(talk.error).toMatchObject({ code: 'PROTOCOL', phase: 'headers', message: why })
    const peer = await server.next()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.frames).toEqual([])
  })

  it('refuses an extension where none was offered', async () => {
    const server = await raw(engine.protocol, { fields: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
    const talk = await new Talk(current(), asking(server.url)).end()
    expect(talk.error).toMatchObject({ code: 'PROTOCOL', message: /an extension that was not offered/ })
  })

  it('keeps to a smaller window', async () => {
    const text = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * at) % 251)).toString('hex')
    const fields = {
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=9; client_no_context_takeover',
    }
    const { talk, peer } = await converse(engine, { compress: true }, { fields })
    talk.socket.send(text)
    talk.socket.send(text)
    const [first, second] = [await peer.frame(1), await peer.frame(2)]
    expect(first.rsv1).toBe(true)
    expect(second.payload).toEqual(first.payload)
  })

  it('that is refused is an answer like any other, and its connection is given back or closed', async () => {
    await using server = await serve(
      { 'GET /': { status: 401, headers: { 'www-authenticate': 'Basic' }, body: 'who are you?' } },
      { protocol: engine.protocol },
    )
    // An answer to CONNECT with a status of its own is for the server of HTTP/2 to say.
    if (h2) return
    const talk = await new Talk(current(), asking(server.url)).end()
    expect(talk.events.map(({ type }) => type)).toEqual(['connection', 'sent', 'head', 'chunk'])
    expect(talk.head).toMatchObject({ status: 401 })
    expect(talk.head?.headers.get('www-authenticate')).toBe('Basic')
    expect(talk.body).toBe('who are you?')
    expect(talk.completed).toBe(true)
    expect(server.requests).toHaveLength(1)
    await server.until(({ connections }) => connections.every(({ open }) => !open))
  })

  it.each([
    ['at once', 0],
    ['in the middle of it', 6],
  ])('whose answer breaks off %s fails', async (_, bytes) => {
    if (h2) return
    const server = await raw(engine.protocol, {
      raw: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot '.slice(0, bytes === 0 ? 0 : undefined),
    })
    const talk = new Talk(current(), asking(server.url))
    const peer = await server.next()
    peer.end()
    await talk.end()
    expect(talk.error).toMatchObject(
      bytes === 0 ? { code: 'RESET', phase: 'headers' } : { code: 'BODY', phase: 'body' },
    )
  })

  it.each([
    ['something that is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'PROTOCOL'],
    ['a head of 100 KB', `HTTP/1.1 101 Switching Protocols\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`, 'TOO_LARGE'],
  ])('that is answered with %s fails', async (_, answer, code) => {
    if (h2) return
    const server = await raw(engine.protocol, { raw: answer })
    const talk = await new Talk(current(), asking(server.url)).end()
    expect(talk.error).toMatchObject({ code, phase: 'headers' })
  })

  it('tells of informational answers', async () => {
    if (h2) return
    const server = await raw(engine.protocol, {
      raw: 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
    })
    const talk = await new Talk(current(), asking(server.url)).end()
    expect(talk.events.map(({ type }) => type)).toEqual(['connection', 'sent', 'informational', 'head'])
  })

  it('can be left in every turn', async () => {
    const server = await raw(engine.protocol)
    for (let turns = 0; turns < 12; turns++) {
      const talk = new Talk(current(), asking(server.url))
      for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
      talk.exchange.abort()
      expect(talk.over).toBe(false)
    }
    await current().close()
  })

  it('can be left at every event', async () => {
    const server = await raw(engine.protocol)
    for (const type of ['connection', 'sent', 'head'] as const) {
      const talk = new Talk(current(), asking(server.url), (event, own) => {
        if (event.type === type) own.exchange.abort()
      })
      await talk.until(type, ({ events }) => events.some(event => event.type === type))
      await new Promise(resolve => setImmediate(resolve))
      expect(talk.events.at(-1)?.type).toBe(type)
      expect(talk.over).toBe(false)
    }
    await current().close()
  })

  it('of an engine that is closed is not begun', async () => {
    const server = await raw(engine.protocol)
    await current().close()
    expect(new Talk(current(), asking(server.url)).error).toMatchObject({ code: 'CLOSED', requestWritten: 'no' })
  })

  it('counts as a connection that is busy, with a number of its own', async () => {
    const { talk, server } = await converse(engine)
    const { origin } = new URL(server.url)
    expect(current().stats?.().origins[origin]).toMatchObject({ open: 1, busy: 1, idle: 0 })
    const first = talk.events[0]
    expect(first).toMatchObject({
      type: 'connection',
      connection: { reused: false, protocol: h2 ? 'h2c' : 'http/1.1' },
    })
  })

  it('has the limits of other requests: connecting', async () => {
    await using hole = await blackHole()
    const talk = new Talk(current(), asking(hole.url).note(LIMITS, { connect: 50 }))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', requestWritten: 'no' })
  })

  it('that gets no connection says so', async () => {
    await using server = await serve({})
    await server.close()
    const talk = await new Talk(current(), asking(server.url)).end()
    expect(talk.error).toMatchObject({ code: 'CONNECT', requestWritten: 'no' })
  })
})

describe('http2', () => {
  it('takes a handshake that is refused for an answer like any other, and ends its stream', async () => {
    await using server = await rawServer('h2c', {
      fields: { ':status': '401', 'www-authenticate': 'Basic' },
      behind: Buffer.from('who?'),
    })
    await using engine = disposable(http2({ mode: 'h2c' }).create())
    const talk = new Talk(engine, asking(server.url))
    const peer = await server.next()
    await peer.until('the end of our side', ({ endedAt }) => endedAt !== undefined)
    peer.end()
    await talk.end()
    expect(talk.completed).toBe(true)
    expect(talk.head).toMatchObject({ status: 401, httpVersion: '2' })
    expect(talk.body).toBe('who?')
    expect(talk.events.some(event => event.type === 'head' && event.socket !== undefined)).toBe(false)
  })

  it('keeps its session when a WebSocket breaks off, is left, or breaks the rules', async () => {
    await using server = await rawServer('h2c')
    await using engine = disposable(http2({ mode: 'h2c' }).create())
    const numbers: unknown[] = []
    for (const how of ['reset', 'left', 'wrong', 'closed'] as const) {
      const talk = new Talk(engine, asking(server.url))
      const [, peer] = await Promise.all([talk.open(), server.next()])
      const [event] = talk.events
      numbers.push(event?.type === 'connection' && event.connection.id)
      if (how === 'reset') peer.reset()
      else if (how === 'left') talk.exchange.abort()
      else peer.send(how === 'wrong' ? frame(3) : goodbye(1000))
      if (how === 'left') await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
      else await talk.end()
    }
    expect(numbers).toEqual([1, 1, 1, 1])
    expect(server.open).toBe(1)
  })

  it('does not try where the server opens no WebSockets over HTTP/2', async () => {
    await using server = await rawServer('h2c', {}, false)
    await using engine = disposable(http2({ mode: 'h2c' }).create())
    const talk = await new Talk(engine, asking(server.url)).end()
    expect(talk.error).toMatchObject({
      code: 'UNSUPPORTED',
      requestWritten: 'no',
      message: /RFC 8441.*http2\({ mode: 'auto' }\)/,
    })
    expect(server.handshakes).toEqual([])
  })
})

describe('engines over somebody else', () => {
  it.each([
    ['interceptors', undici({ compose: [dispatch => dispatch] })],
    ['a dispatcher', undici({ dispatcher: { dispatch: () => true } as never })],
  ])('undici with %s says that it opens no WebSockets', async (_, factory) => {
    await using engine = disposable(factory.create())
    expect(engine.capabilities.webSocket).toBe(false)
  })
})

it('http calls configure with the handshake too, and what it throws fails that', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const names: unknown[] = []
  await using engine = disposable(
    http({
      configure: request => {
        names.push(request.getHeader('upgrade') ?? request.method)
        if (names.length > 1) throw new Error('not that one')
      },
    }).create(),
  )
  const { port } = server.address() as { port: number }
  const talk = await new Talk(engine, asking(`http://127.0.0.1:${port}/`)).open()
  talk.exchange.abort()
  const second = await new Talk(engine, asking(`http://127.0.0.1:${port}/`)).end()
  expect(second.error).toMatchObject({ code: 'CONFIG', message: /not that one/ })
  expect(names).toHaveLength(2)
  await new Promise(resolve => server.close(resolve))
})

function disposable<T extends { destroy(reason?: HttpError): Promise<void> }>(engine: T): T & AsyncDisposable {
  return Object.assign(engine, { [Symbol.asyncDispose]: () => engine.destroy() })
}
