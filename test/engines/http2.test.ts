import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isHttpError, type ConnectionEvent, type Engine, type HttpError } from 'sluice'
import { http2, type Http2Options } from 'sluice/engines/http2'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { refusal, sent } from '../support/send.ts'

const { ca, good } = certificates()
const tls = { ca }

const engines: Engine[] = []

function open(options?: Http2Options): Engine {
  const engine = http2({ tls, ...options }).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

describe('the contract', () => {
  const one = { connectionsPerOrigin: 1, streams: 1, tls }
  const suites = [
    engineContract('http2 in the mode h2', http2({ mode: 'h2', tls }), {
      single: http2({ mode: 'h2', ...one }),
      tls: good,
    }),
    engineContract('http2 in the mode h2c', http2({ mode: 'h2c' }), { single: http2({ mode: 'h2c', ...one }) }),
    engineContract('http2 in the mode auto, with HTTP/2,', http2({ tls }), { single: http2(one), tls: good }),
    engineContract('http2 in the mode auto, with HTTP/1.1,', http2({ tls }), {
      single: http2(one),
      protocol: 'http/1.1',
      tls: good,
    }),
  ]
  for (const promise of suites.flat()) if (promise.excluded === undefined) it(promise.title, () => promise.run())
})

describe('the options', () => {
  const wrong = (options: object): HttpError => {
    try {
      http2(options)
    } catch (error) {
      if (isHttpError(error)) return error
      throw error
    }
    throw new Error('it was taken')
  }

  it.each([
    [{ mode: 'h3' }, 'The option mode of http2 must be one of "h2", "auto", "h2c", not "h3".'],
    [{ streams: 0 }, 'The option streams of http2 must be a whole number of at least 1, not 0.'],
    [
      { streamWindow: 1024 },
      'The option streamWindow of http2 must be a whole number from 65535 to 2147483647, not 1024.',
    ],
    [{ streamWindow: 2 ** 31 }, 'The option streamWindow of http2 must be a whole number from 65535 to 2147483647'],
    [{ pingInterval: -1 }, 'The option pingInterval of http2 must be a number of milliseconds above 0'],
    [{ connections: 0 }, 'The option connections of http2 must be a whole number of at least 1, or Infinity'],
    [{ tls: { cert: 'x' } }, 'http2({ tls }) has cert alone; a client certificate needs cert and key.'],
    [{ tls: { cert: 'x', key: 'y' } }, 'The tls options cannot be used: '],
    [{ pipelining: 2 }, 'http2 has no option "pipelining"; it has mode, streams, streamWindow, pingInterval,'],
  ])('%o are refused in a sentence', (options, message) => {
    const error = wrong(options)
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })
})

describe('the modes', () => {
  it.each(['h2', 'auto'] as const)('%s agrees on HTTP/2 by ALPN', async mode => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2', tls: good })
    const engine = open({ mode })
    const one = await sent(engine, server.url)
    expect(one.head?.httpVersion).toBe('2')
    expect(one.all('connection')[0]?.connection).toMatchObject({
      id: 1,
      protocol: 'h2',
      reused: false,
      remoteAddress: '127.0.0.1',
      remotePort: server.port,
      tls: { version: 'TLSv1.3', resumed: false },
    })
    expect((await sent(engine, server.url)).all('connection')[0]?.connection).toMatchObject({ id: 1, reused: true })
  })

  it('auto speaks HTTP/1.1 where the server chooses that, and without TLS', async () => {
    await using secure = await serve({ 'GET /': reply.text('x') }, { tls: good })
    await using plain = await serve({ 'GET /': reply.text('x') })
    const engine = open()
    for (const { url } of [secure, plain, secure]) {
      const one = await sent(engine, url)
      expect(one.head?.httpVersion).toBe('1.1')
      expect(one.all('connection')[0]?.connection.protocol).toBe('http/1.1')
    }
    expect(secure.connections.length).toBe(1)
  })

  it('auto asks an origin it does not know with one connection, and opens more once it knows that it must', async () => {
    const held = Promise.withResolvers<undefined>()
    const routes = {
      'GET /': async () => {
        await held.promise
        return reply.text('x')
      },
    }
    await using both = await serve(routes, { protocol: 'auto', tls: good })
    await using old = await serve(routes, { tls: good })
    const engine = open()
    const all = [both, old].flatMap(({ url }) => [1, 2, 3].map(() => sent(engine, url)))
    await both.received(3)
    await old.received(3)
    held.resolve(undefined)
    await Promise.all(all)
    expect(both.connections.length).toBe(1)
    expect(old.connections.length).toBe(3)
  })

  it('h2 says what is wrong with a server that speaks HTTP/1.1 only', async () => {
    await using server = await serve({ 'GET /': reply.text('x') }, { tls: good })
    const error = await refusal(open({ mode: 'h2' }), server.url)
    expect(error).toMatchObject({ code: 'TLS', phase: 'tls', requestWritten: 'no' })
    expect(error.message).toContain(
      `127.0.0.1:${server.port} does not speak HTTP/2, it did not choose it by ALPN; http2({ mode: 'auto' }) would speak HTTP/1.1`,
    )
  })

  it('h2 sends nothing in the clear', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const error = await refusal(open({ mode: 'h2' }), server.url)
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(error.message).toContain(`http2({ mode: 'h2c' }) would speak HTTP/2 with it`)
    expect(server.connections.length).toBe(0)
  })

  it('h2c knows beforehand, and agrees by ALPN where there is TLS', async () => {
    await using plain = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2c' })
    await using secure = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2', tls: good })
    const engine = open({ mode: 'h2c' })
    expect((await sent(engine, plain.url)).all('connection')[0]?.connection.protocol).toBe('h2c')
    expect((await sent(engine, secure.url)).all('connection')[0]?.connection.protocol).toBe('h2')
  })

  it('h2c says what is wrong with a server of HTTP/1.1', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const error = await refusal(open({ mode: 'h2c' }), server.url)
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers', requestWritten: 'no' })
    expect(error.message).toContain('answered with something that is not HTTP/2')
  })
})

describe('a polluted Object.prototype', () => {
  const gadgets: Record<string, unknown> = {
    ':path': '/forged',
    ':authority': 'forged.test',
    forged: 'yes',
    endStream: false,
    waitForTrailers: true,
    settings: { initialWindowSize: 1 },
    headerTableSize: 1,
    maxFrameSize: 20_000,
    createConnection: () => undefined,
    protocol: 'https:',
    host: 'forged.test',
    port: 1,
    maxHeaderListPairs: 4,
    maxSendHeaderBlockLength: 1,
    peerMaxConcurrentStreams: 1,
    streams: 1,
    mode: 'h2',
  }

  it('changes nothing on the wire', async () => {
    await using server = await serve({ '/*': async request => reply.text(await request.text()) }, { protocol: 'h2c' })
    const wire = async (): Promise<unknown> => {
      const engine = open({ mode: 'h2c' })
      const seen = []
      for (const given of [{ method: 'GET' }, { method: 'POST', body: 'x' }, { method: 'GET' }]) {
        const { text } = await sent(engine, `${server.url}real?a=b`, { headers: [], body: undefined, ...given })
        const { method, target, rawHeaders } = server.requests.at(-1) ?? {}
        seen.push({ text, method, target, rawHeaders })
      }
      return seen
    }
    const clean = await wire()
    for (const [name, value] of Object.entries(gadgets)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    }
    let polluted: unknown
    try {
      polluted = await wire()
    } finally {
      for (const name of Object.keys(gadgets)) Reflect.deleteProperty(Object.prototype, name)
    }
    expect(polluted).toEqual(clean)
  })
})

describe('what is heard of an exchange', () => {
  it('is heard in the context in which it was sent, whoever opened the connection', async () => {
    const storage = new AsyncLocalStorage<string>()
    await using server = await serve({ '/*': async request => reply.text(await request.text()) }, { protocol: 'h2c' })
    const engine = open({ mode: 'h2c' })
    const seen = new Map<string, Set<string | undefined>>()
    const all = ['ada', 'bob', 'cy'].map(who => {
      const mine = new Set<string | undefined>()
      seen.set(who, mine)
      const note = (): void => {
        mine.add(storage.getStore())
      }
      async function* source(): AsyncGenerator<string> {
        note()
        yield who
        note()
      }
      return storage.run(who, () =>
        sent(engine, server.url, { method: 'POST', body: source(), seen: note, ended: note }),
      )
    })
    await Promise.all(all)
    for (const [who, contexts] of seen) expect([...contexts]).toEqual([who])
  })
})

describe('the end of an engine', () => {
  it('is told of by its connections, and its numbers are right', async () => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'h2', tls: good })
    const engine = open()
    const events: ConnectionEvent[] = []
    engine.watch?.(event => events.push(event))
    await Promise.all([1, 2, 3].map(() => sent(engine, server.url)))
    expect(engine.stats?.()).toMatchObject({ open: 1, idle: 1, busy: 0, queued: 0 })
    await engine.close()
    expect(engine.stats?.()).toEqual({ open: 0, idle: 0, busy: 0, queued: 0, origins: {} })
    expect(events.map(({ type }) => type)).toEqual(['opened', 'closed'])
    await server.until(({ open: count }) => count === 0)
  })

  it('does not have to come for the process to end', async () => {
    const script = `
      import { createServer } from 'node:http2'
      import { createClient } from 'sluice'
      import { http2 } from 'sluice/engines/http2'
      const server = createServer((_, response) => response.end('x')).listen(0, '127.0.0.1', () => {
        const client = createClient({ engine: http2({ mode: 'h2c', keepAlive: 60_000 }), plugins: [] })
        client.get('http://127.0.0.1:' + server.address().port).subscribe({ complete() {
          server.close()
          server.unref()
          console.log('answered')
        } })
      })
      server.on('connection', socket => socket.unref())
    `
    const child = spawn(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()))
    const code = await new Promise(resolve => child.once('close', resolve))
    expect([code, said]).toEqual([0, 'answered\n'])
  })
})
