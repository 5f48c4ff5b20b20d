import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConnectionEvent, Engine } from 'sluice'
import { reply, serve, type TestServer } from 'sluice/testing'
import { expect, it } from 'vitest'
import { describeEach, destroyAll, open } from '../../support/http1-engines.ts'
import { refusal, send, sent } from '../../support/send.ts'

/** A route that answers when it is told to. */
function gate() {
  const opened = Promise.withResolvers<undefined>()
  return {
    open: () => {
      opened.resolve(undefined)
    },
    route: async () => {
      await opened.promise
      return reply.text('held')
    },
  }
}

const ids = (server: TestServer): number[] => server.requests.map(({ connection }) => connection)

describeEach('a polluted Object.prototype', () => {
  const gadgets: Record<string, unknown> = {
    method: 'DELETE',
    path: '/forged',
    origin: 'http://forged.test',
    headers: { forged: 'yes' },
    query: { forged: 'yes' },
    body: 'forged',
    upgrade: 'websocket',
    reset: true,
    idempotent: false,
    blocking: true,
    expectContinue: true,
    servername: 'forged.test',
    socketPath: '/forged.sock',
    maxRequestsPerClient: 1,
    maxResponseSize: 1,
    pipelining: 0,
    strictContentLength: false,
    interceptors: [],
    connections: 1,
    keepAlive: 1,
    tls: { dangerouslyAcceptAnyCertificate: true },
    typeOfService: 1,
  }

  it('changes nothing on the wire', async () => {
    await using server = await serve({ '/*': async request => reply.text(await request.text()) })
    const wire = async (): Promise<unknown> => {
      const engine = open()
      const seen = []
      const none = { headers: [], body: undefined }
      for (const given of [
        { ...none, method: 'GET' },
        { ...none, method: 'HEAD' },
        { ...none, method: 'POST', body: 'x' },
        { ...none, method: 'GET' },
      ]) {
        const { text } = await sent(engine, `${server.url}real?a=b`, given)
        const { method, target, rawHeaders, connection } = server.requests.at(-1) ?? {}
        seen.push({ text, method, target, rawHeaders, connection: (connection ?? 0) - server.connections.length })
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

describeEach('connections', () => {
  it('are used again, and say so with one object each', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const engine = open()
    const all = []
    for (let count = 0; count < 3; count++) all.push((await sent(engine, server.url)).all('connection')[0]?.connection)
    expect(all.map(connection => connection?.reused)).toEqual([false, true, true])
    expect(all[1]).toBe(all[2])
    expect(all[0]).toMatchObject({ id: 1, protocol: 'http/1.1', remoteAddress: '127.0.0.1', remotePort: server.port })
    expect(all[0]?.took.tcp).toBeGreaterThan(0)
    expect(server.connections.length).toBe(1)
  })

  it('serve requests one after another although each is sent in the moment the last one ends', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const engine = open()
    await new Promise<void>(resolve => {
      let left = 20
      const next = (): void => {
        if (left-- === 0) resolve()
        else send(engine, server.url, { ended: next })
      }
      next()
    })
    expect(server.connections.length).toBe(1)
  })

  it('are no more than connectionsPerOrigin, and requests get them in the order in which they came', async () => {
    const held = gate()
    await using server = await serve({ 'GET /held': held.route, 'GET /:n': reply.text('x') })
    const engine = open({ connectionsPerOrigin: 2 })
    const first = ['held', 'held'].map(path => sent(engine, server.url + path))
    await server.received(2)
    const later = ['1', '2', '3', '4'].map(path => sent(engine, server.url + path))
    expect(engine.stats?.()).toMatchObject({ open: 2, idle: 0, busy: 2, queued: 4 })
    held.open()
    await Promise.all([...first, ...later])
    expect(server.connections.length).toBe(2)
    expect(server.requests.slice(2).map(({ target }) => target)).toEqual(['/1', '/2', '/3', '/4'])
    expect(engine.stats?.().origins[new URL(server.url).origin]).toEqual({ open: 2, idle: 2, busy: 0, queued: 0 })
  })

  it('that are idle give way when another origin needs room', async () => {
    await using one = await serve({ 'GET /': reply.text('one') })
    await using two = await serve({ 'GET /': reply.text('two') })
    const engine = open({ connections: 1 })
    expect((await sent(engine, one.url)).text).toBe('one')
    expect((await sent(engine, two.url)).text).toBe('two')
    await one.closed(1)
    expect(engine.stats?.().open).toBe(1)
  })

  it('that become free go to the origin whose request has waited longest', async () => {
    const held = gate()
    await using one = await serve({ 'GET /held': held.route, 'GET /': reply.text('one') })
    await using two = await serve({ 'GET /': reply.text('two') })
    const engine = open({ connections: 1 })
    const order: string[] = []
    const first = sent(engine, `${one.url}held`)
    await one.received()
    const others = [two.url, one.url, two.url].map(async url => order.push((await sent(engine, url)).text))
    held.open()
    await Promise.all([first, ...others])
    expect(order).toEqual(['two', 'one', 'two'])
  })

  it('are kept for keepAlive milliseconds', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const { endedAt } = await sent(open({ keepAlive: 60 }), server.url)
    const { closedAt = 0 } = await server.closed(1)
    expect(closedAt - endedAt).toBeGreaterThan(40)
    expect(closedAt - endedAt).toBeLessThan(1000)
  })

  it('are kept no longer although the server would keep them', async () => {
    await using server = await serve({ 'GET /': { headers: { 'keep-alive': 'timeout=60' }, body: 'x' } })
    const { endedAt } = await sent(open({ keepAlive: 60 }), server.url)
    const { closedAt = 0 } = await server.closed(1)
    expect(closedAt - endedAt).toBeLessThan(1000)
  })

  it('are closed after each answer with keepAlive false, and the server is told', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const engine = open({ keepAlive: false })
    await sent(engine, server.url)
    await sent(engine, server.url)
    await server.until(({ open: count }) => count === 0)
    expect(ids(server)).toEqual([1, 2])
    expect(server.requests[0]?.headers['connection']).toBe('close')
  })

  it('are not kept longer than the server announces', async () => {
    await using server = await serve({ 'GET /': { headers: { 'keep-alive': 'timeout=1' }, body: 'x' } })
    const engine = open({ keepAlive: 60_000 })
    await sent(engine, server.url)
    await server.closed(1)
  })

  it('are told of as they come and go, until nobody wants to hear', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const engine = open({ keepAlive: false })
    const events: ConnectionEvent[] = []
    const stop = engine.watch?.(event => {
      events.push(event)
    })
    await sent(engine, server.url)
    await server.closed(1)
    await sent(engine, server.url)
    expect(events.map(({ type, connection }) => `${type} ${connection.id}`).slice(0, 3)).toEqual([
      'opened 1',
      'closed 1',
      'opened 2',
    ])
    stop?.()
    await server.closed(2)
    const before = events.length
    await sent(engine, server.url)
    expect(events.length).toBe(before)
  })

  it('go to a unix socket when one is given', async () => {
    const path = join(tmpdir(), `sluice-${process.pid}.sock`)
    const { createServer } = await import('node:http')
    const server = createServer((_, response) => response.end('by path')).listen(path)
    try {
      expect((await sent(open({ socketPath: path }), 'http://docker/version')).text).toBe('by path')
      const nowhere = join(tmpdir(), 'sluice-nowhere.sock')
      const missing = await refusal(open({ socketPath: nowhere }), 'http://docker/')
      expect(missing.message).toBe(
        `GET http://docker/ was not sent: docker:80 could not be reached, ${nowhere} does not exist (ENOENT).`,
      )
    } finally {
      await destroyAll()
      await new Promise(resolve => server.close(resolve))
    }
  })
})

describeEach('what is heard of an exchange', () => {
  async function contexts(engine: Engine): Promise<(string | undefined)[]> {
    const storage = new AsyncLocalStorage<string>()
    await using server = await serve({ '/*': async request => reply.text(await request.text()) })
    const seen: (string | undefined)[] = []
    const note = (): void => {
      seen.push(storage.getStore())
    }
    async function* source(): AsyncGenerator<string> {
      note()
      yield 'a'
      note()
      yield 'b'
    }
    const all = ['ada', 'bob', 'cy'].map(who =>
      storage.run(who, () => sent(engine, server.url, { method: 'POST', body: source(), seen: note, ended: note })),
    )
    await Promise.all(all)
    return seen
  }

  it('is heard in the context in which it was sent, whoever opened the connection', async () => {
    const seen = await contexts(open({ connectionsPerOrigin: 1 }))
    const each = seen.length / 3
    expect(seen).toEqual(['ada', 'bob', 'cy'].flatMap(who => Array<string>(each).fill(who)))
  })

  it('is heard in any context when that is not wanted', async () => {
    const seen = await contexts(open({ connectionsPerOrigin: 1, asyncContext: false }))
    expect(seen.filter(who => who === 'cy').length).toBeLessThan(seen.length / 3)
  })
})

describeEach('the end of an engine', name => {
  it('waits for queued requests and bodies on close, and then leaves no connection', async () => {
    const held = gate()
    await using server = await serve({ 'GET /held': held.route, 'GET /:n': reply.text('late') })
    const engine = open({ connectionsPerOrigin: 1 })
    const first = sent(engine, `${server.url}held`)
    const queued = sent(engine, `${server.url}1`)
    await server.received()
    const closed = engine.close()
    expect(await refusal(engine, server.url)).toMatchObject({ code: 'CLOSED', requestWritten: 'no' })
    held.open()
    expect((await queued).text).toBe('late')
    await first
    await closed
    expect(engine.stats?.()).toEqual({ open: 0, idle: 0, busy: 0, queued: 0, origins: {} })
    await server.until(({ open: count }) => count === 0)
    await engine.close()
  })

  it('may be asked for again and harder', async () => {
    await using server = await serve({ 'GET /': { fault: { kind: 'stall', at: 'before-head' } } })
    const engine = open()
    const stalled = send(engine, server.url)
    await server.received()
    const closing = engine.close()
    await engine.destroy()
    await closing
    await engine.destroy()
    expect((await stalled.over).failure?.code).toBe('CANCELLED')
    expect(stalled.ends).toBe(1)
    await server.closed(1)
  })

  it('does not have to come for the process to end', async () => {
    const script = `
      import { createServer } from 'node:http'
      import { createClient } from 'sluice'
      import { ${name} } from 'sluice/engines/${name}'
      const server = createServer((_, response) => response.end('x')).listen(0, '127.0.0.1', () => {
        const client = createClient({ engine: ${name}({ keepAlive: 60_000 }), plugins: [] })
        client.get('http://127.0.0.1:' + server.address().port).subscribe({ complete() {
          server.close()
          server.unref()
          console.log('answered')
        } })
      })
      server.on('connection', socket => socket.unref())
    `
    const child = spawn(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
    const code = await new Promise(resolve => child.once('close', resolve))
    expect([code, said]).toEqual([0, 'answered\n'])
  })
})
