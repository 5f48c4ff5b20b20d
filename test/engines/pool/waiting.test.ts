import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { blackHole } from '../../support/black-hole.ts'
import { describeEach, open } from '../../support/http1-engines.ts'
import { watchLeaks } from '../../support/leaks.ts'
import { refusal, send, sent } from '../../support/send.ts'
import { silentServer } from '../../support/silent-server.ts'

/**
 * How far the end of something was from when it should have been: from when a timer of the same process struck, for a busy
 * machine is late for both. The middle one of three.
 */
async function off(ms: number, work: () => Promise<unknown>): Promise<number> {
  const offs: number[] = []
  for (let round = 0; round < 3; round++) {
    const struck = new Promise<number>(resolve => {
      setTimeout(() => {
        resolve(performance.now())
      }, ms)
    })
    await work()
    const ended = performance.now()
    offs.push(Math.abs(ended - (await struck)))
  }
  return offs.toSorted((a, b) => a - b)[1] ?? Number.NaN
}

const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const

describeEach('a limit', () => {
  it('on the look-up is exact', async () => {
    const engine = open({ lookup: () => undefined })
    const late = await off(120, async () => {
      const error = await refusal(engine, 'http://api.test/', { limits: { dns: 120, connect: 5000 }, attempt: 2 })
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'dns', requestWritten: 'no', attempt: 2 })
      expect(error.message).toBe(
        'attempt 2 of GET http://api.test/ was not sent: looking up api.test took longer than 120 ms.',
      )
    })
    expect(late).toBeLessThan(20)
  })

  it('on connecting is exact, and frees the socket', async () => {
    await using hole = await blackHole()
    using leaks = watchLeaks()
    const engine = open()
    const late = await off(150, async () => {
      const error = await refusal(engine, hole.url, { limits: { connect: 150 } })
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect', requestWritten: 'no' })
      expect(error.message).toBe(
        `GET ${hole.url} was not sent: connecting to 127.0.0.1:${hole.port} took longer than 150 ms.`,
      )
    })
    expect(late).toBeLessThan(20)
    await leaks.settled(50)
  })

  it('on connecting comes from the engine where the request has none, and counts look-up and TLS too', async () => {
    await using silent = await silentServer()
    const engine = open({
      connectTimeout: 200,
      lookup: (_host, _options, done) => {
        setTimeout(() => {
          done(null, '127.0.0.1', 4)
        }, 100)
      },
    })
    const late = await off(200, async () => {
      const error = await refusal(engine, `https://api.test:${silent.port}/`)
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'connect' })
    })
    expect(late).toBeLessThan(20)
    await silent.closed()
  })

  it('on the handshake is exact', async () => {
    await using silent = await silentServer()
    const engine = open()
    const late = await off(130, async () => {
      const error = await refusal(engine, silent.url.replace('http:', 'https:'), { limits: { tls: 130 } })
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'tls' })
      expect(error.message).toContain(
        `was not sent: the TLS handshake with 127.0.0.1:${silent.port} took longer than 130 ms`,
      )
    })
    expect(late).toBeLessThan(20)
  })

  it('on the queue is exact, and comes from the engine where the request has none', async () => {
    await using server = await serve({ '/*': stalled })
    const engine = open({ connectionsPerOrigin: 1, acquireTimeout: 140 })
    const busy = send(engine, server.url)
    await server.received()
    const late = await off(140, async () => {
      const error = await refusal(engine, server.url)
      expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'queue', requestWritten: 'no' })
      expect(error.message).toBe(
        `GET ${server.url} was not sent: no connection to 127.0.0.1:${server.port} became free within 140 ms.`,
      )
    })
    expect(late).toBeLessThan(20)
    expect((await refusal(engine, server.url, { limits: { queue: 30 } })).message).toContain('within 30 ms')
    busy.exchange.abort()
  })

  it('of one request does not end another that waits for the same connection', async () => {
    await using hole = await blackHole()
    const engine = open({ connectionsPerOrigin: 1, connectTimeout: 400 })
    const [short, long, queued] = await Promise.all([
      send(engine, hole.url, { limits: { connect: 100 } }).over,
      send(engine, hole.url, { limits: { connect: 200 } }).over,
      send(engine, hole.url, { limits: { queue: 150 } }).over,
    ])
    expect(short.failure).toMatchObject({ code: 'TIMEOUT', phase: 'connect' })
    // It got the attempt of the first one when that gave up, and its own limit counts from there.
    expect(long.failure).toMatchObject({ code: 'TIMEOUT', phase: 'connect' })
    expect(long.endedAt - short.endedAt).toBeGreaterThan(195)
    expect(queued.failure).toMatchObject({ code: 'TIMEOUT', phase: 'queue' })
  })

  it('that is false is none', async () => {
    await using silent = await silentServer()
    const engine = open({ connectTimeout: 50 })
    const patient = send(engine, silent.url.replace('http:', 'https:'), { limits: { connect: false } })
    const { code } = await refusal(engine, silent.url.replace('http:', 'https:'))
    expect(code).toBe('TIMEOUT')
    expect(patient.ends).toBe(0)
    patient.exchange.abort()
  })

  it('does not strike when the connection was there in time and only the process was busy', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open()
    const one = send(engine, server.url, { limits: { connect: 60 } })
    const until = performance.now() + 200
    while (performance.now() < until);
    await one.over
    expect(one.failure).toBeUndefined()
  })

  it.each([
    [
      'a source',
      () =>
        (async function* () {
          for (;;) yield new Uint8Array(100_000)
        })(),
    ],
    ['bytes', () => new Uint8Array(32 * 1024 * 1024)],
  ])('on sending strikes when the server takes no more of %s', async (_, body) => {
    await using server = await serve({ 'POST /': { read: 'none', ...stalled } })
    const engine = open()
    const start = performance.now()
    const error = await refusal(engine, server.url, { method: 'POST', body: body(), limits: { send: 200 } })
    const ms = performance.now() - start
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'send', requestWritten: 'maybe' })
    expect(error.message).toBe(`POST ${server.url} was cut off: the server took nothing of its body for 200 ms.`)
    expect(ms).toBeGreaterThan(195)
    server.resume()
    await server.closed(1)
  })

  it('on sending does not count the time a source takes', async () => {
    await using server = await serve({ 'POST /': async request => reply.text(await request.text()) })
    async function* slow(): AsyncGenerator<string> {
      yield 'a'
      await new Promise(resolve => setTimeout(resolve, 150))
      yield 'b'
    }
    const one = await sent(open(), server.url, { method: 'POST', body: slow(), limits: { send: 50 } })
    expect(one.text).toBe('ab')
  })
})
