/** Contract: how exchanges and engines end. */
import assert from 'node:assert/strict'
import { firstValueFrom, type Observable } from 'rxjs'
import { HttpError } from '../../src/errors.ts'
import { createClient } from '../../src/main.ts'
import type { TestServer } from '../serve.ts'
import { reply } from '../serve/reply.ts'
import type { Client } from '../../src/client.ts'
import type { Case, Need } from './case.ts'
import { Endless } from './sending.ts'
import { settled, watch } from './watch.ts'

/** How soon a server must see that a client left: the middle one of five tries, in milliseconds. */
const SOON = 50

const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const
const halfway = { body: 'x'.repeat(1000), fault: { kind: 'stall', at: 'mid-body', bytes: 500 } } as const

interface Cancelled {
  readonly phase: string
  readonly needs?: readonly Need[]
  readonly unless?: NonNullable<Case['unless']>
  /** What is subscribed to and left again. */
  readonly send: (http: Client) => Observable<unknown>
  /** Resolves when the phase is reached. */
  readonly reached: (server: TestServer) => Promise<unknown>
}

const phases: readonly Cancelled[] = [
  {
    phase: 'while it waits for an answer',
    send: http => http.get('stalled'),
    reached: server => server.received(),
  },
  {
    phase: 'in the middle of a body',
    send: http => http.get('endless'),
    reached: server => server.until(({ requests }) => (requests[0]?.bytesOut ?? 0) > 100_000),
  },
  {
    phase: 'while a body stands still',
    send: http => http.events('halfway'),
    // Chromium waits a while for the rest of a short body, to keep its connection.
    unless: ['connections'],
    reached: server => server.until(({ requests }) => requests[0]?.bytesOut === 500),
  },
  {
    phase: 'in the middle of an upload',
    needs: ['streamingUpload'],
    send: http => http.post('upload', new Endless()),
    reached: server => server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 100_000),
  },
]

/** How exchanges and engines end. */
export const ending: readonly Case[] = [
  ...phases.map(({ phase, send, reached, needs = [], unless }): Case => ({
    title: `ends the exchange at once when it is left ${phase}, and says nothing more`,
    needs,
    ...(unless && { unless }),
    async run({ client, serve, protocol }) {
      const took: number[] = []
      for (let round = 0; round < 5; round++) {
        const server = await serve({
          'GET /stalled': stalled,
          'GET /halfway': halfway,
          'GET /endless': reply.bytes(Infinity),
          'POST /upload': stalled,
          'GET /next': reply.text('next'),
        })
        const http = client(server.url)
        const watched = watch(send(http))
        await reached(server)
        const before = watched.values.length
        const left = performance.now()
        watched.subscription.unsubscribe()
        const brokenAt = await server.until(({ requests }) => requests[0]?.brokenAt, 1000)
        took.push(brokenAt - left)
        assert.equal(watched.values.length, before, 'an event came after it was left')
        assert.equal(watched.error, undefined, 'an error came after it was left')
        if (needs.length > 0)
          assert.equal(server.requests[0]?.complete, false, 'a part of the body passed for the whole')
        if (protocol === 'http/1.1') await server.closed(1, 1000)
        else {
          assert.ok(server.requests[0]?.resetCode, 'the stream was not reset')
          assert.equal((await firstValueFrom(http.get('next'))).text(), 'next')
          assert.equal(server.connections.length, 1, 'its session did not live on')
        }
      }
      assert.ok(middleOf(took) <= SOON, `the server saw it after ${took.map(ms => ms.toFixed(0)).join(', ')} ms`)
    },
  })),
  ...phases.map(({ phase, send, reached, needs = [] }): Case => ({
    title: `resets its stream with CANCEL when it is left ${phase}`,
    needs: [...needs, 'http/2'],
    // Which code a browser takes is its own affair.
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({
        'GET /stalled': stalled,
        'GET /halfway': halfway,
        'GET /endless': reply.bytes(Infinity),
        'POST /upload': stalled,
      })
      const { subscription } = watch(send(client(server.url)))
      await reached(server)
      subscription.unsubscribe()
      await server.until(({ requests }) => requests[0]?.brokenAt)
      assert.equal(server.requests[0]?.resetCode, CANCEL)
    },
  })),
  {
    title: 'closes the connection at once when it is left during the TLS handshake',
    needs: ['tls'],
    unless: ['connections'],
    async run({ client, serve }) {
      const took: number[] = []
      for (let round = 0; round < 5; round++) {
        const server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
        const { subscription } = watch(client(server.url.replace('http:', 'https:')).get(''))
        await server.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
        const left = performance.now()
        subscription.unsubscribe()
        const { closedAt = Infinity } = await server.closed(1, 1000)
        took.push(closedAt - left)
      }
      assert.ok(middleOf(took) <= SOON, `the server saw it after ${took.map(ms => ms.toFixed(0)).join(', ')} ms`)
    },
  },
  {
    title: 'stops the source of a body once when it is left in the middle of an upload',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': stalled })
      const source = new Endless()
      const { subscription } = watch(client(server.url).post('', source))
      await server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 0)
      subscription.unsubscribe()
      await server.until(({ requests }) => requests[0]?.brokenAt)
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
      const routes = {
        'GET /held': async () => {
          await held
          return reply.text('held')
        },
        'POST /queued': reply.status(204),
        'GET /next': reply.text('next'),
      }
      const server = await serve(routes, { http2: { maxConcurrentStreams: 1 } })
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
    title: 'fails running exchanges with the reason when it is destroyed',
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
      await own.destroy()
      await own.close()
    },
  },
  {
    title: 'leaves no socket behind when it is destroyed',
    unless: ['connections'],
    async run({ engine, serve }) {
      const server = await serve({ 'GET /stalled': stalled, 'GET /endless': reply.bytes(Infinity) })
      const own = engine()
      const http = createClient({ engine: own, baseUrl: server.url, plugins: [] })
      for (const url of ['stalled', 'endless']) watch(http.get(url))
      await server.received(2)
      await own.destroy()
      await server.until(({ open }) => open === 0)
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

/** The error code of a stream that its client does not want any more (RFC 9113 §7). */
const CANCEL = 8

const middleOf = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Infinity
