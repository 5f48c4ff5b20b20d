/** Contract: what an engine does with connections, what it tells of them, and how long it waits for one. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import type { Client } from '../../src/client.ts'
import { definePlugin } from '../../src/define-plugin.ts'
import { LIMITS, type Limits } from '../../src/engine.ts'
import type { Phase } from '../../src/errors.ts'
import { createClient } from '../../src/main.ts'
import { reply } from '../serve/reply.ts'
import type { Case, Workbench } from './case.ts'
import { Endless } from './endless.ts'
import { failure, watch } from './watch.ts'

/** The connection ends before an answer to the second request, and to no other. */
const brokenOnce = ({ index }: { readonly index: number }): ReturnType<typeof reply.text> =>
  index === 1 ? { fault: { kind: 'fin', at: 'before-head', scope: 'connection' } } : reply.text('x')

/** What an engine does with connections. */
export const connecting: readonly Case[] = [
  {
    title: 'uses a connection again and says so',
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('x') })
      const http = client(server.url)
      const reused: (boolean | undefined)[] = []
      for (let call = 0; call < 4; call++) {
        const { connection } = await firstValueFrom(http.get(''))
        reused.push(connection?.reused)
        await new Promise(resolve => setImmediate(resolve))
      }
      assert.equal(server.connections.length, 1)
      assert.ok(
        reused.every((value, at) => value === undefined || value === at > 0),
        String(reused),
      )
    },
  },
  {
    title: 'tells which connection served a request, and what is known about it',
    unless: ['connections'],
    async run({ client, serve, protocol }) {
      const server = await serve({ 'GET /': reply.text('x') })
      const { connection, httpVersion } = await firstValueFrom(client(server.url).get(''))
      assert.equal(httpVersion, protocol === 'http/1.1' ? '1.1' : '2')
      assert.ok(connection, 'the response has no connection')
      assert.equal(connection.protocol, protocol)
      assert.equal(connection.remoteAddress, '127.0.0.1')
      assert.equal(connection.remotePort, server.port)
      assert.equal(connection.localPort, server.connections[0]?.port)
      assert.ok((connection.took.tcp ?? -1) >= 0, 'it does not say how long TCP took')
      if (protocol !== 'h2') return
      assert.equal(connection.tls?.version, server.connections[0]?.tls?.protocol)
      assert.match(connection.tls?.cipher ?? '', /\w/)
      assert.match(connection.tls?.fingerprint ?? '', /^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/)
      assert.ok((connection.took.tls ?? -1) >= 0, 'it does not say how long TLS took')
    },
  },
  {
    title: 'tells when things happened, in their order',
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': { delay: 30, bodyDelay: 30, body: 'x' } })
      const begun = Date.now()
      const { timings } = await firstValueFrom(client(server.url).get(''))
      const { startedAt, connected = -1, sent = -1, firstByte = -1, done = -1 } = timings
      const order = `connected ${connected}, sent ${sent}, first byte ${firstByte}, done ${done}`
      assert.ok(Math.abs(startedAt - begun) < 1000, `it started at ${startedAt}, not at ${begun}`)
      assert.ok(connected >= 0 && connected <= sent && sent <= firstByte && firstByte <= done, order)
      assert.ok(firstByte - sent >= 25 && done - firstByte >= 25, order)
    },
  },
  {
    title: 'says how long a request waited for a connection to become free',
    needs: ['single', 'limit queue'],
    async run({ singleClient, serve }) {
      const server = await serve({ 'GET /': { delay: 40, body: 'x' } }, { http2: { maxConcurrentStreams: 1 } })
      const http = singleClient(server.url)
      const warm = (await firstValueFrom(http.get(''))).timings
      assert.ok((warm.queued ?? 0) < 20, `the first request says that it was queued for ${warm.queued} ms`)
      const [first, second] = await Promise.all([firstValueFrom(http.get('')), firstValueFrom(http.get(''))])
      const { queued = -1, connected = -1 } = second.timings
      assert.ok((first.timings.queued ?? 0) < 20, `a request that had its connection says ${first.timings.queued} ms`)
      assert.ok(queued >= 30, `behind an answer that took 40 ms a request says that it was queued for ${queued} ms`)
      assert.ok(queued <= connected + 1, `it was queued for ${queued} ms and had a connection after ${connected} ms`)
    },
  },
  {
    title: 'keeps the answers of 100 requests at a time apart',
    async run({ client, serve }) {
      const server = await serve({ 'POST /:n': async request => reply.text(`${request.path} ${await request.text()}`) })
      const http = client(server.url)
      const numbers = Array.from({ length: 100 }, (_, at) => at)
      const texts = await Promise.all(
        numbers.map(async n => (await firstValueFrom(http.post(`${n}`, `body ${n}`))).text()),
      )
      assert.deepEqual(
        texts,
        numbers.map(n => `/${n} body ${n}`),
      )
    },
  },
  {
    title: 'opens a new connection when the idle one was closed',
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('x') }, { idleTimeout: 5 })
      const http = client(server.url)
      for (let round = 1; round <= 3; round++) {
        assert.equal((await firstValueFrom(http.get(''))).text(), 'x')
        await server.closed(round)
      }
    },
  },
  {
    title: 'loses no request to connections that are retired after ten, while a long answer is on its way',
    unless: ['connections'],
    async run({ client, serve }) {
      const over = Promise.withResolvers<undefined>()
      const server = await serve(
        {
          'GET /long': {
            body: (async function* () {
              yield 'begun'
              await over.promise
              yield ' and ended'
            })(),
          },
          'GET /:n': reply.text('x'),
        },
        { maxRequestsPerConnection: 10 },
      )
      const http = client(server.url)
      const long = watch(http.get('long'))
      await server.received()
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let turn = 0; turn < 25; turn++) assert.equal((await firstValueFrom(http.get(`${turn}`))).text(), 'x')
        }),
      )
      over.resolve(undefined)
      await long.ended
      assert.equal(long.error, undefined)
      assert.equal(long.values[0]?.text(), 'begun and ended')
      await server.until(({ requests }) => requests.filter(({ answered }) => answered).length === 201)
    },
  },
  {
    title: 'sends once more what may be sent twice when a used connection ended before an answer',
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ '/': brokenOnce })
      const http = client(server.url)
      await firstValueFrom(http.get(''))
      assert.equal((await firstValueFrom(http.get(''))).text(), 'x')
      assert.equal(server.requests.length, 3)
    },
  },
  {
    title: 'does not send again what may not be sent twice when a used connection ended before an answer',
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ '/': brokenOnce })
      const http = client(server.url)
      await firstValueFrom(http.get(''))
      const error = await failure(http.post('', 'x'))
      assert.equal(error.code, 'RESET', error.message)
      assert.equal(error.reusedConnection, true)
      assert.equal(server.requests.length, 2)
    },
  },
  {
    title: 'waits in the queue no longer than it may',
    needs: ['single', 'limit queue'],
    async run({ singleEngine, serve }) {
      const server = await serve(
        { 'GET /': { fault: { kind: 'stall', at: 'before-head' } } },
        { http2: { maxConcurrentStreams: 1 } },
      )
      const http = limited(singleEngine(), server.url, { queue: 40 })
      const held = watch(http.get(''))
      await server.received()
      await overdue(http, 'queue')
      assert.equal(server.requests.length, 1)
      held.subscription.unsubscribe()
    },
  },
  {
    title: 'connects no longer than it may',
    needs: ['tls', 'limit connect'],
    async run({ engine, serve }) {
      const server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
      await overdue(limited(engine(), secure(server.url), { connect: 40 }), 'connect')
      await server.closed(1, 1000)
    },
  },
  {
    title: 'does not wait for TLS longer than it may',
    needs: ['tls', 'limit tls'],
    async run({ engine, serve }) {
      const server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
      await overdue(limited(engine(), secure(server.url), { tls: 40 }), 'tls')
      await server.closed(1, 1000)
    },
  },
  {
    title: 'does not wait longer than it may for a peer that takes nothing of a body',
    needs: ['streamingUpload', 'limit send'],
    async run({ engine, serve }) {
      const server = await serve({ 'POST /': { read: 'none', fault: { kind: 'stall', at: 'before-head' } } })
      const source = new Endless()
      const error = await failure(limited(engine(), server.url, { send: 60 }).post('', source))
      assert.equal(`${error.code} ${error.phase}`, 'TIMEOUT send', error.message)
      assert.equal(source.returned, 1, 'the source of the body was left open')
    },
  },
]

/** A client whose engine is told limits. */
function limited(engine: ReturnType<Workbench['engine']>, baseUrl: string, limits: Limits): Client {
  const limiting = definePlugin({
    name: 'limiting',
    scope: 'call',
    defaults: {},
    install: () => (request, next) => next(request.note(LIMITS, limits)),
  })
  return createClient({ engine, baseUrl, plugins: [limiting()] })
}

async function overdue(http: Client, phase: Phase): Promise<void> {
  const from = performance.now()
  const error = await failure(http.get(''))
  const took = performance.now() - from
  assert.equal(`${error.code} ${error.phase}`, `TIMEOUT ${phase}`, error.message)
  assert.equal(error.requestWritten, 'no')
  assert.ok(took >= 35 && took < 500, `a limit of 40 ms struck after ${took.toFixed(0)} ms`)
}

const secure = (url: string): string => url.replace('http:', 'https:')
