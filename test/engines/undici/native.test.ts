import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type AddressInfo } from 'node:net'
import { Agent, interceptors, MockAgent, type Dispatcher } from 'undici'
import { isHttpError, type Engine, type HttpError } from 'sluice'
import { undici, type UndiciInterceptor, type UndiciOptions } from 'sluice/engines/undici'
import { engineContract, reply, serve, serveSequence } from 'sluice/testing'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { blackHole } from '../../support/black-hole.ts'
import { certificates } from '../../support/certificates.ts'
import { refusal, send, sent } from '../../support/send.ts'

const cleanUp: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean()
})

function open(options?: UndiciOptions): Engine {
  const engine = undici(options).create()
  cleanUp.push(() => engine.destroy())
  return engine
}

function agent(options: Agent.Options = {}): Agent {
  const made = new Agent({ allowH2: false, ...options })
  cleanUp.push(() => made.destroy())
  return made
}

const wrong = (options: object): HttpError => {
  try {
    undici(options)
  } catch (error) {
    if (isHttpError(error)) return error
    throw error
  }
  throw new Error('it was taken')
}

/** An interceptor that adds a letter to the header `way`. */
const marking =
  (letter: string): UndiciInterceptor =>
  dispatch =>
  (options, handler) => {
    const headers = options.headers as string[]
    const at = headers.indexOf('way')
    const way = at < 0 ? letter : `${headers[at + 1] ?? ''}${letter}`
    const others = at < 0 ? headers : headers.toSpliced(at, 2)
    return dispatch({ ...options, headers: [...others, 'way', way] }, handler)
  }

describe('the contract', () => {
  const compose: UndiciInterceptor[] = [dispatch => (options, handler) => dispatch(options, handler)]
  const single = undici({ connectionsPerOrigin: 1, compose })
  for (const one of engineContract('undici with an interceptor', undici({ compose }), { single })) {
    if (one.excluded === undefined) it(one.title, () => one.run())
  }
  const own = new Agent({ allowH2: false })
  const over = undici({ dispatcher: own })
  const over1 = undici({ dispatcher: own, connectionsPerOrigin: 1 })
  // Connections and what becomes of them are not in the hands of the engine.
  const undicis = /connection|socket|handshake|queue|was left|is left|destroy|close|kept busy/
  for (const one of engineContract('undici over a dispatcher', over, { single: over1 })) {
    if (one.excluded === undefined && !undicis.test(one.title)) it(one.title, () => one.run())
  }
  afterAll(() => own.destroy())
})

describe('the views of its chunk that undici makes of a head', () => {
  const heads: unknown[][] = []
  const note = (message: unknown): void => {
    heads.push((message as { readonly response: { readonly headers: unknown[] } }).response.headers)
  }
  const pass: UndiciInterceptor = dispatch => (options, handler) => dispatch(options, handler)

  it.each([
    ['are let go once they are read', {}, true],
    ['are left to interceptors, where there are any', { compose: [pass] }, false],
  ])('%s', async (_, options, gone) => {
    await using server = await serve({ '/*': reply.text('x') })
    subscribe('undici:request:headers', note)
    try {
      const { head } = await sent(open(options), server.url)
      expect(head?.headers.get('content-length')).toBe('1')
    } finally {
      unsubscribe('undici:request:headers', note)
    }
    expect(heads.splice(0).map(({ length }) => length === 0)).toEqual([gone])
  })
})

describe('compose', () => {
  it('puts interceptors around every send, the first outermost', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open({ compose: [marking('a'), marking('b')] })
    const one = await sent(engine, server.url)
    expect(one.text).toBe('x')
    expect(one.kinds).toEqual(['connection', 'sent', 'head', 'chunk'])
    await sent(engine, server.url, { method: 'POST', body: 'y' })
    expect(server.requests.map(({ headers }) => headers['way'])).toEqual(['ab', 'ab'])
    expect(server.connections).toHaveLength(1)
  })

  it('takes the interceptors of undici: an answer comes out as they made it', async () => {
    const { gzipSync } = await import('node:zlib')
    const packed = gzipSync('unpacked'.repeat(1000))
    await using server = await serve({
      '/*': { body: packed, headers: { 'content-encoding': 'gzip', 'Set-Cookie': ['a=1', 'b=2'] } },
    })
    const engine = open({ compose: [interceptors.decompress()] })
    const one = await sent(engine, server.url)
    expect(one.text).toBe('unpacked'.repeat(1000))
    expect(one.head?.headers.get('content-encoding')).toBeUndefined()
    expect(one.head?.headers.getAll('set-cookie')).toEqual(['a=1', 'b=2'])
  })

  it('may send again over the same connection, and shows one exchange', async () => {
    await using server = await serveSequence([reply.status(503), reply.status(503), reply.text('now')])
    const engine = open({ compose: [interceptors.retry({ minTimeout: 1, maxRetries: 3 })] })
    const one = await sent(engine, server.url)
    expect(one.text).toBe('now')
    expect(one.kinds).toEqual(['connection', 'sent', 'head', 'chunk'])
    expect(server.requests).toHaveLength(3)
  })

  it('may answer without sending', async () => {
    await using server = await serve({})
    const answering: UndiciInterceptor = () => (_options, handler) => {
      const controller = quiet()
      handler.onRequestStart?.(controller, undefined)
      handler.onResponseStart?.(controller, 200, { 'x-from': 'cache' }, 'OK')
      handler.onResponseData?.(controller, Buffer.from('kept'))
      handler.onResponseEnd?.(controller, {})
      return true
    }
    const one = await sent(open({ compose: [answering] }), server.url)
    expect([one.text, one.head?.headers.get('x-from')]).toEqual(['kept', 'cache'])
    expect(server.requests).toEqual([])
  })

  it('cannot lead to another origin', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    await using other = await serve({ '/*': reply.text('other') })
    const straying: UndiciInterceptor = dispatch => (options, handler) =>
      dispatch({ ...options, origin: other.url }, handler)
    const error = await refusal(open({ compose: [straying] }), server.url, { headers: { authorization: 'secret' } })
    expect(error).toMatchObject({ code: 'CONFIG', requestWritten: 'no' })
    expect(error.message).toContain('An interceptor of compose wanted to send a request for http://127.0.0.1:')
    expect([server.requests, other.requests]).toEqual([[], []])
  })

  it('sees everything: a server that would choose HTTP/2 is not asked to', async () => {
    const { ca, good } = certificates()
    await using server = await serve({ '/*': reply.text('x') }, { tls: good, protocol: 'h2' })
    const error = await refusal(open({ compose: [marking('a')], tls: { ca } }), `https://localhost:${server.port}/`)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls' })
    await using both = await serve({ '/*': reply.text('x') }, { tls: good })
    const one = await sent(open({ compose: [marking('a')], tls: { ca } }), `https://localhost:${both.port}/`)
    expect(one.all('connection')[0]?.connection.protocol).toBe('http/1.1')
    expect(both.requests[0]?.headers['way']).toBe('a')
  })

  it('that throws fails the request, and not the engine', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    let thrown = false
    const failing: UndiciInterceptor = dispatch => (options, handler) => {
      if (thrown) return dispatch(options, handler)
      thrown = true
      throw new Error('not today')
    }
    const engine = open({ compose: [failing] })
    expect((await refusal(engine, server.url)).cause).toMatchObject({ message: 'not today' })
    expect((await sent(engine, server.url)).text).toBe('x')
  })

  it('keeps back-pressure and cancelling', async () => {
    await using server = await serve({ 'GET /endless': reply.bytes(Infinity), '/*': reply.text('x') })
    const engine = open({
      compose: [marking('a'), interceptors.dump({ maxSize: Number.MAX_SAFE_INTEGER })].slice(0, 1),
    })
    const held = send(engine, `${server.url}endless`, {
      seen: (event, { exchange }) => {
        if (event.type === 'head') exchange.pause()
      },
    })
    await server.until(({ requests }) => (requests[0]?.bytesOut ?? 0) > 0)
    const before = held.size
    for (let turns = 0; turns < 50; turns++) await new Promise(resolve => setImmediate(resolve))
    expect(held.size).toBe(before)
    held.exchange.abort()
    await server.closed(1)
    expect(held.ends).toBe(0)
    expect((await sent(engine, server.url)).text).toBe('x')
  })

  it('does not send what was left while an interceptor held it back', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const waiting: (() => void)[] = []
    const holding: UndiciInterceptor = dispatch => (options, handler) => {
      if (waiting.length > 0) return dispatch(options, handler)
      waiting.push(() => dispatch(options, handler))
      return true
    }
    const engine = open({ compose: [holding] })
    const left = send(engine, server.url, { method: 'POST', body: 'never' })
    while (waiting.length === 0) await new Promise(resolve => setImmediate(resolve))
    left.exchange.abort()
    waiting[0]?.()
    expect((await sent(engine, server.url)).text).toBe('x')
    expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
  })

  it.each([
    [{ compose: interceptors.retry() }, 'The option compose of undici must be a list'],
    [{ compose: [], http2: true }, 'undici({ compose, http2: true }) would hide HTTP/2 from the interceptors'],
    [{ compose: ['retry'] }, 'The option compose of undici must be a list, each item a function'],
  ])('refuses %o', (options, message) => {
    expect(wrong(options).message).toContain(message)
  })
})

describe('a dispatcher of the user', () => {
  it('sends the requests', async () => {
    await using server = await serve({
      'POST /echo': async request => reply.text(await request.text()),
      '/*': reply.text('x', { headers: { 'X-Name': 'y' } }),
    })
    const engine = open({ dispatcher: agent() })
    const one = await sent(engine, server.url)
    expect([one.text, one.head?.headers.get('x-name')]).toEqual(['x', 'y'])
    expect(one.kinds).toEqual(['connection', 'sent', 'head', 'chunk'])
    const pieces = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('a')
      yield Buffer.from('b')
    }
    const echo = await sent(engine, `${server.url}echo`, {
      method: 'POST',
      body: pieces,
    })
    expect(echo.text).toBe('ab')
    expect(engine.stats?.()).toEqual({ open: 0, idle: 0, busy: 0, queued: 0, origins: {} })
  })

  it('can be one that answers by itself', async () => {
    const mock = new MockAgent()
    cleanUp.push(() => mock.close())
    mock.disableNetConnect()
    mock
      .get('http://api.test')
      .intercept({ path: '/users' })
      .reply(201, { id: 7 }, { headers: { 'x-from': 'mock' } })
    const one = await sent(open({ dispatcher: mock }), 'http://api.test/users')
    expect([one.head?.status, one.text, one.head?.headers.get('x-from')]).toEqual([201, '{"id":7}', 'mock'])
  })

  it('can have interceptors around it', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    await sent(open({ dispatcher: agent(), compose: [marking('a')] }), server.url)
    expect(server.requests[0]?.headers['way']).toBe('a')
  })

  it('is given no more requests at a time than it may have, and those that wait can be left', async () => {
    await using server = await serve({ '/*': { fault: { kind: 'stall', at: 'before-head' } } })
    const engine = open({ dispatcher: agent(), connectionsPerOrigin: 2, acquireTimeout: 100 })
    const both = [send(engine, server.url), send(engine, server.url)]
    await server.received(2)
    const late = send(engine, server.url)
    expect(engine.stats?.()).toMatchObject({ busy: 2, queued: 1 })
    late.exchange.abort()
    expect(engine.stats?.()).toMatchObject({ busy: 2, queued: 0 })
    expect(await refusal(engine, server.url)).toMatchObject({ code: 'TIMEOUT', phase: 'queue' })
    for (const { exchange } of both) exchange.abort()
    await server.closed(2)
    expect(engine.stats?.()).toMatchObject({ open: 0 })
  })

  it('fails in our words: refused, no such host, not trusted, too slow, closed', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => gone.once('listening', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise(resolve => gone.close(resolve))
    const engine = open({ dispatcher: agent() })
    expect(await refusal(engine, `http://127.0.0.1:${port}/`)).toMatchObject({
      code: 'CONNECT',
      phase: 'connect',
      requestWritten: 'no',
      message: `GET http://127.0.0.1:${port}/ was not sent: 127.0.0.1:${port} refused the connection (ECONNREFUSED).`,
    })
    expect(await refusal(engine, 'http://nowhere.invalid/')).toMatchObject({ code: 'DNS', phase: 'dns' })
    await using secure = await serve({ '/*': reply.text('x') }, { tls: certificates().good })
    expect(await refusal(engine, secure.url)).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    await using hole = await blackHole()
    expect(await refusal(open({ dispatcher: agent({ connect: { timeout: 50 } }) }), hole.url)).toMatchObject({
      code: 'TIMEOUT',
      phase: 'connect',
    })
    const closed = agent()
    await closed.close()
    const error = await refusal(open({ dispatcher: closed }), hole.url)
    expect([error.code, error.message]).toEqual(['CLOSED', `GET ${hole.url} was not sent: its dispatcher is closed.`])
  })

  it('stays open when the engine ends, and the engine waits for its own requests alone', async () => {
    await using server = await serve({ '/slow': reply.text('slow', { delay: 50 }), '/*': reply.text('x') })
    const shared = agent()
    const engine = open({ dispatcher: shared })
    const last = sent(engine, `${server.url}slow`)
    await engine.close()
    expect((await last).text).toBe('slow')
    expect(await refusal(engine, server.url)).toMatchObject({ code: 'CLOSED' })
    expect((await shared.request({ origin: server.url, path: '/', method: 'GET' })).statusCode).toBe(200)
  })

  it('has its requests ended with the engine', async () => {
    await using server = await serve({ '/*': { fault: { kind: 'stall', at: 'before-head' } } })
    const engine = open({ dispatcher: agent() })
    const running = send(engine, server.url)
    await server.received()
    await engine.destroy()
    expect((await running.over).failure?.code).toBe('CANCELLED')
    await server.closed(1)
  })

  it('says what it cannot limit', () => {
    expect(open({ dispatcher: agent() }).capabilities.limits).toEqual(['queue', 'send'])
  })

  it.each([
    [
      { dispatcher: agent(), tls: {}, keepAlive: 1 },
      'leaves connecting to the dispatcher: give tls, keepAlive to that.',
    ],
    [{ dispatcher: {} }, "The option dispatcher of undici must be one of undici's dispatchers, as in new Agent("],
    [{ dispatcher: null }, "The option dispatcher of undici must be one of undici's dispatchers"],
  ])('refuses %o', (options, message) => {
    expect(wrong(options).message).toContain(message)
  })
})

function quiet(): Dispatcher.DispatchController {
  return {
    aborted: false,
    paused: false,
    reason: null,
    abort: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
  }
}
