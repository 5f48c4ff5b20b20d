import { createServer, type AddressInfo } from 'node:net'
import { reply, serve } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { blackHole } from '../../support/black-hole.ts'
import { describeEach, destroyAll, open } from '../../support/http1-engines.ts'
import { watchLeaks, type LeakWatch } from '../../support/leaks.ts'
import { send, sent } from '../../support/send.ts'
import { silentServer } from '../../support/silent-server.ts'

/** How soon a socket must be gone, in milliseconds. */
const SOON = 50

let leaks: LeakWatch
beforeEach(() => {
  leaks = watchLeaks()
})

afterEach(async () => {
  await destroyAll()
  await leaks.settled()
  leaks[Symbol.dispose]()
})

/** Resolves when no socket of a client is open, which may take some turns of the loop but no time. */
async function gone(): Promise<void> {
  for (let turns = 0; turns < 5 && leaks.clientSockets().length > 0; turns++) await turn()
  expect(leaks.clientSockets()).toEqual([])
}

const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describeEach('a request that is left', () => {
  it('while its host is looked up is over at once, and its connection is not made', async () => {
    let answer: ((error: null, addresses: { address: string; family: number }[]) => void) | undefined
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open({
      lookup: (_host, _options, done) => {
        answer = done
      },
    })
    const left = send(engine, `http://api.test:${server.port}/`)
    left.exchange.abort()
    expect(engine.stats?.()).toMatchObject({ open: 0, queued: 0, origins: {} })
    answer?.(null, [{ address: '127.0.0.1', family: 4 }])
    await turn()
    await turn()
    expect(server.connections.length).toBe(0)
    expect(left.events).toEqual([])
    expect(left.ends).toBe(0)
  })

  it('while the SYN is unanswered leaves no socket', async () => {
    await using hole = await blackHole()
    const engine = open()
    const left = send(engine, hole.url)
    await turn()
    expect(leaks.clientSockets()).toHaveLength(1)
    left.exchange.abort()
    await leaks.settled(SOON)
    expect(left.ends).toBe(0)
  })

  it('keeps the connection that is being made if another request waits for it', async () => {
    await using silent = await silentServer()
    const engine = open({ connectionsPerOrigin: 1 })
    const url = silent.url.replace('http:', 'https:')
    const first = send(engine, url)
    const second = send(engine, url)
    await silent.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
    first.exchange.abort()
    await turn()
    expect(silent.open).toBe(1)
    expect(engine.stats?.()).toMatchObject({ queued: 1 })
    second.exchange.abort()
    await silent.closed(1)
    expect(silent.connections.length).toBe(1)
  })

  it('in the queue is forgotten at once, and the one behind it is sent', async () => {
    const held = Promise.withResolvers<undefined>()
    await using server = await serve({
      'GET /held': async () => {
        await held.promise
        return reply.text('held')
      },
      '/*': reply.text('x'),
    })
    const engine = open({ connectionsPerOrigin: 1 })
    const first = sent(engine, `${server.url}held`)
    await server.received()
    const left = send(engine, `${server.url}left`, { method: 'POST', body: 'x' })
    const next = sent(engine, `${server.url}next`)
    left.exchange.abort()
    left.exchange.abort()
    expect(engine.stats?.().queued).toBe(1)
    held.resolve(undefined)
    await Promise.all([first, next])
    expect(server.requests.map(({ target }) => target)).toEqual(['/held', '/next'])
    expect(server.connections.length).toBe(1)
    expect(left.events).toEqual([])
  })

  it('in the turn in which it was sent over an idle connection is never written, and the connection stays', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open()
    await sent(engine, server.url)
    for (let round = 0; round < 20; round++) {
      send(engine, `${server.url}left`, { method: 'POST', body: 'x' }).exchange.abort()
      await sent(engine, `${server.url}kept`)
    }
    expect(server.requests.filter(({ target }) => target === '/left')).toEqual([])
    expect(server.connections.length).toBe(1)
  })

  it('by who hears of its connection is never written', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open()
    for (let round = 0; round < 2; round++) {
      const left = send(engine, `${server.url}left`, {
        seen: (event, one) => {
          if (event.type === 'connection') one.exchange.abort()
        },
      })
      await sent(engine, `${server.url}kept`)
      expect(left.kinds).toEqual(['connection'])
    }
    expect(server.requests.map(({ target }) => target)).toEqual(['/kept', '/kept'])
  })

  it.each(['sent', 'head', 'chunk'] as const)('by who hears of its %s says nothing more, and is closed', async kind => {
    await using server = await serve({ 'GET /': reply.bytes(1_000_000) })
    const left = send(open(), server.url, {
      seen: (event, one) => {
        if (event.type === kind) one.exchange.abort()
      },
    })
    await server.closed(1)
    expect(left.events.at(-1)?.type).toBe(kind)
    expect(left.all(kind)).toHaveLength(1)
    expect(left.ends).toBe(0)
  })

  it('while its answer is held back is closed', async () => {
    await using server = await serve({ 'GET /': reply.bytes(Infinity) })
    const left = send(open(), server.url, {
      seen: (event, one) => {
        if (event.type === 'head') one.exchange.pause()
      },
    })
    await server.until(({ connections }) => (connections[0]?.bytesOut ?? 0) > 100_000)
    left.exchange.abort()
    await server.closed(1)
  })

  it('makes room for the next one before its socket is closed', async () => {
    await using server = await serve({ 'GET /stalled': stalled, 'GET /': reply.text('x') })
    const engine = open({ connections: 1 })
    const left = send(engine, `${server.url}stalled`)
    await server.received()
    const next = sent(engine, server.url)
    left.exchange.abort()
    expect((await next).text).toBe('x')
  })
})

describeEach('a connection that was being made for a request served by another', () => {
  /** Two requests of which one connection serves both, while the look-up for the other one hangs. */
  async function spare() {
    const lookups: (() => void)[] = []
    const server = await serve({ 'GET /stalled': stalled, '/*': reply.text('x') })
    const engine = open({
      lookup: (_host, _options, done) => {
        lookups.push(() => {
          done(null, '127.0.0.1', 4)
        })
      },
    })
    const url = `http://api.test:${server.port}/`
    const both = [sent(engine, url), sent(engine, url)]
    lookups[0]?.()
    await Promise.all(both)
    return { server, engine, url, finish: () => lookups[1]?.(), [Symbol.asyncDispose]: () => server.close() }
  }

  it('is kept for the next one', async () => {
    await using made = await spare()
    const { server, engine, finish } = made
    expect(server.connections.length).toBe(1)
    finish()
    await server.until(({ connections }) => connections.length === 2)
    while (engine.stats?.().idle !== 2) await turn()
    expect(server.requests.length).toBe(2)
  })

  it('takes the next one although nothing had been sent over it', async () => {
    await using made = await spare()
    const { server, engine, url, finish } = made
    finish()
    while (engine.stats?.().idle !== 2) await turn()
    const [first, second] = await Promise.all([sent(engine, url), sent(engine, url)])
    const reused = [first, second].map(one => one.all('connection')[0]?.connection.reused)
    expect(reused.toSorted()).toEqual([false, true])
    expect(server.connections.length).toBe(2)
  })

  it('is waited for by the next one', async () => {
    await using made = await spare()
    const { server, engine, url, finish } = made
    send(engine, `${url}stalled`)
    const next = sent(engine, url)
    await server.received(3)
    expect(engine.stats?.()).toMatchObject({ open: 1, busy: 1, queued: 1 })
    finish()
    await next
    expect(server.connections.length).toBe(2)
  })

  it('is called off with the engine', async () => {
    await using made = await spare()
    const { server, engine, finish } = made
    await engine.close()
    finish()
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(server.connections.length).toBe(1)
  })
})

describeEach('destroy', () => {
  it('ends what is queued, connecting and running with its reason, and frees every socket at once', async () => {
    await using hole = await blackHole()
    await using server = await serve({ 'GET /stalled': stalled, 'GET /endless': reply.bytes(Infinity) })
    const engine = open({ connectionsPerOrigin: 2 })
    const all = [
      send(engine, hole.url),
      send(engine, `${server.url}stalled`),
      send(engine, `${server.url}endless`),
      send(engine, `${server.url}queued`),
    ]
    await server.received(2)
    await engine.destroy()
    expect(all.map(({ failure }) => failure?.code)).toEqual(Array(4).fill('CANCELLED'))
    expect(all.map(({ ends }) => ends)).toEqual([1, 1, 1, 1])
    await gone()
  })
})

describeEach('300 requests left at any time', () => {
  it('leave nothing open, and the engine works', async () => {
    await using server = await serve({
      'GET /': reply.text('x'),
      'GET /long': reply.bytes(5_000_000),
      'POST /': async request => ({ body: await request.bytes() }),
    })
    const engine = open({ connectionsPerOrigin: 8 })
    let seed = 42
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed / 2_147_483_648
    }
    let open_ = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      open_++
      try {
        for (let count = 0; count < 20; count++) yield new Uint8Array(30_000)
      } finally {
        open_--
      }
    }
    let settled = 0
    for (let count = 0; count < 300; count++) {
      const kind = random()
      const stop = Math.floor(random() * 30)
      let heard = 0
      const one = send(engine, server.url + (kind < 0.4 ? 'long' : ''), {
        ...(kind > 0.7 ? { method: 'POST', body: source() } : undefined),
        seen: (_, self) => {
          if (++heard === stop) self.exchange.abort()
        },
        ended: () => settled++,
      })
      if (stop < 10) one.exchange.abort()
      if (random() < 0.5) await turn()
    }
    expect((await sent(engine, server.url)).text).toBe('x')
    await engine.close()
    await turn()
    expect(open_).toBe(0)
    expect(settled).toBeGreaterThan(0)
    await server.until(({ open: count }) => count === 0)
  })
})

describeEach('a server that closes while connections are made', () => {
  it('gets no request twice that it may have seen', async () => {
    const seen: string[] = []
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', bytes => {
        seen.push(bytes.toString('latin1').split(' ', 1)[0] ?? '')
        socket.destroy()
      })
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const engine = open()
    const one = await send(engine, `http://127.0.0.1:${port}/`).over
    expect(one.failure).toMatchObject({
      code: 'RESET',
      phase: 'headers',
      requestWritten: 'yes',
      reusedConnection: false,
    })
    expect(seen).toEqual(['GET'])
    await new Promise(resolve => server.close(resolve))
  })
})
