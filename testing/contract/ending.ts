/** Contract: how exchanges and engines end. */
import assert from 'node:assert/strict'
import { firstValueFrom, type Observable } from 'rxjs'
import { HttpError } from '../../src/errors.ts'
import { createClient } from '../../src/main.ts'
import type { TestServer } from '../serve.ts'
import { reply } from '../serve/reply.ts'
import type { Case, Workbench } from './case.ts'
import { Endless } from './sending.ts'
import { settled, watch } from './watch.ts'

/** How soon a server must see that a client left: the middle one of five tries, in milliseconds. */
const SOON = 50

const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const

interface Cancelled {
  readonly phase: string
  /** What is subscribed to and left again. */
  readonly send: (bench: Workbench, server: TestServer) => Observable<unknown>
  /** Resolves when the phase is reached. */
  readonly reached: (server: TestServer) => Promise<unknown>
}

const phases: readonly Cancelled[] = [
  {
    phase: 'during the TLS handshake',
    send: ({ client }, server) => client(server.url.replace('http:', 'https:')).get('silent'),
    reached: server => server.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0),
  },
  {
    phase: 'while it waits for an answer',
    send: ({ client }, server) => client(server.url).get('stalled'),
    reached: server => server.received(),
  },
  {
    phase: 'in the middle of a body',
    send: ({ client }, server) => client(server.url).get('endless'),
    reached: server => server.until(({ connections }) => (connections[0]?.bytesOut ?? 0) > 100_000),
  },
  {
    phase: 'in the middle of an upload',
    send: ({ client }, server) => client(server.url).post('upload', new Endless()),
    reached: server => server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 100_000),
  },
]

/** How exchanges and engines end. */
export const ending: readonly Case[] = [
  ...phases.map(({ phase, send, reached }): Case => ({
    title: `closes the connection at once when it is left ${phase}, and says nothing more`,
    ...(phase.includes('upload') ? { needs: ['streamingUpload'] } : {}),
    ...(phase.includes('TLS') ? { unless: ['connections'] } : {}),
    async run(bench) {
      const took: number[] = []
      for (let round = 0; round < 5; round++) {
        const tls = phase.includes('TLS')
        const server = await bench.serve(
          { 'GET /stalled': stalled, 'GET /endless': reply.bytes(Infinity), 'POST /upload': stalled },
          tls ? { onConnection: () => ({ kind: 'stall', at: 'accept' }) } : {},
        )
        const watched = watch(send(bench, server))
        await reached(server)
        if (tls) server.resume()
        const before = watched.values.length
        const left = performance.now()
        watched.subscription.unsubscribe()
        const { closedAt = Infinity } = await server.closed(1, 1000)
        took.push(closedAt - left)
        assert.equal(watched.values.length, before)
        assert.equal(watched.error, undefined)
      }
      const middle = took.toSorted((a, b) => a - b)[2] ?? Infinity
      assert.ok(middle <= SOON, `the server saw it after ${took.map(ms => ms.toFixed(0)).join(', ')} ms`)
    },
  })),
  {
    title: 'stops the source of a body once when it is left in the middle of an upload',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': stalled })
      const source = new Endless()
      const { subscription } = watch(client(server.url).post('', source))
      await server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 0)
      subscription.unsubscribe()
      await server.closed(1)
      const produced = await settled(() => source.produced)
      assert.equal(source.returned, 1)
      assert.equal(source.produced, produced)
    },
  },
  {
    title: 'never writes a request that was left in the queue',
    needs: ['single'],
    async run({ singleClient, serve }) {
      let answer = (): void => {}
      const held = new Promise<void>(resolve => {
        answer = resolve
      })
      const server = await serve({
        'GET /held': async () => {
          await held
          return reply.text('held')
        },
        'POST /queued': reply.status(204),
        'GET /next': reply.text('next'),
      })
      const http = singleClient(server.url)
      const first = watch(http.get('held'))
      await server.received()
      const queued = watch(http.post('queued', 'x'))
      const next = watch(http.get('next'))
      queued.subscription.unsubscribe()
      answer()
      await Promise.all([first.ended, next.ended])
      assert.equal(next.values[0]?.text(), 'next')
      assert.deepEqual(
        server.requests.map(({ target }) => target),
        ['/held', '/next'],
      )
      assert.equal(server.connections.length, 1)
    },
  },
  {
    title: 'never writes a request that was left in the turn in which it was subscribed to',
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.text('x') })
      const http = client(server.url)
      watch(http.post('left', 'x')).subscription.unsubscribe()
      await firstValueFrom(http.get('kept'))
      watch(http.post('left', 'x')).subscription.unsubscribe()
      await firstValueFrom(http.get('kept'))
      assert.deepEqual(
        server.requests.map(({ target }) => target),
        ['/kept', '/kept'],
      )
    },
  },
  {
    title: 'serves the next request after one was left',
    async run({ client, serve }) {
      const server = await serve({ 'GET /endless': reply.bytes(Infinity), 'GET /': reply.text('well') })
      const http = client(server.url)
      for (let round = 0; round < 5; round++) {
        const { subscription } = watch(http.get('endless'))
        await server.until(({ requests }) => requests.filter(({ target }) => target === '/endless').length > round)
        subscription.unsubscribe()
        assert.equal((await firstValueFrom(http.get(''))).text(), 'well')
      }
    },
  },
  {
    title: 'lets running exchanges finish when it is closed',
    async run({ client, serve }) {
      const server = await serve({ 'GET /slow': { delay: 100, body: 'late' } })
      const http = client(server.url)
      const slow = watch(http.get('slow'))
      await server.received()
      await http.close()
      assert.equal(slow.values[0]?.text(), 'late')
    },
  },
  {
    title: 'leaves no socket behind when it is closed',
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('x') })
      const http = client(server.url)
      await firstValueFrom(http.get(''))
      await http.close()
      await server.until(({ open }) => open === 0)
    },
  },
  {
    title: 'fails running exchanges with the reason when it is destroyed, and leaves no socket behind',
    async run({ engine, serve }) {
      const server = await serve({ 'GET /stalled': stalled, 'GET /endless': reply.bytes(Infinity) })
      const own = engine()
      const http = createClient({ engine: own, baseUrl: server.url, plugins: [] })
      const running = ['stalled', 'endless'].map(url => watch(http.get(url)))
      await server.received(2)
      const reason = new HttpError('CANCELLED', 'The test is over.')
      await own.destroy(reason)
      await Promise.all(running.map(({ ended }) => ended))
      for (const { error } of running) assert.equal((error as HttpError).code, 'CANCELLED')
      await server.until(({ open }) => open === 0)
      await own.destroy()
      await own.close()
    },
  },
  {
    title: 'refuses what comes after its end',
    async run({ engine, serve }) {
      const server = await serve({ 'GET /': reply.text('x') })
      const own = engine()
      await own.close()
      const refused = watch(createClient({ engine: own, baseUrl: server.url, plugins: [] }).get(''))
      await refused.ended
      assert.equal((refused.error as HttpError).code, 'CLOSED')
      assert.equal(server.connections.length, 0)
    },
  },
]
