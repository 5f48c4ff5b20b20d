/** Contract: how exchanges end that nobody wants any more. */
import assert from 'node:assert/strict'
import { firstValueFrom, type Observable } from 'rxjs'
import type { Client } from '../../src/client.ts'
import type { TestServer } from '../serve.ts'
import { reply } from '../serve/reply.ts'
import type { Case, Need } from './case.ts'
import { Endless } from './endless.ts'
import { watchLoop } from './resources.ts'
import { settled, swallow, watch } from './watch.ts'

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

/** How exchanges end that nobody wants any more. */
export const leaving: readonly Case[] = [
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
    title: 'survives 300 aborts of moving uploads and downloads, and closes every source once',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({
        'GET /endless': reply.bytes(Infinity),
        'POST /upload': stalled,
        'GET /next': reply.text('next'),
      })
      const http = client(server.url)
      const random = randomOf(300)
      const sources: Endless[] = []
      const abortOne = async (): Promise<void> => {
        const source = new Endless()
        const upload = random() < 0.5
        if (upload) sources.push(source)
        const moving = upload ? http.post('upload', source) : http.stream('endless', swallow)
        const { subscription } = watch<unknown>(moving)
        await new Promise(resolve => setTimeout(resolve, random() * 12))
        subscription.unsubscribe()
      }
      const abortAll = async (): Promise<number> => {
        const longestBlock = watchLoop()
        await Promise.all(
          Array.from({ length: 10 }, async () => {
            for (let turn = 0; turn < 30; turn++) await abortOne()
          }),
        )
        return longestBlock()
      }
      // What blocks the loop does so every time; a machine that is busy with something else does not.
      let blocked = await abortAll()
      for (let again = 0; blocked >= 50 && again < 2; again++) blocked = Math.min(blocked, await abortAll())
      assert.ok(blocked < 50, `the event loop was blocked for ${blocked.toFixed(0)} ms`)
      const still = (): number => sources.reduce((sum, { opened, returned }) => sum + opened - returned, 0)
      assert.equal(await settled(still), 0, 'sources were left open, or closed twice')
      assert.ok(
        sources.every(({ opened }) => opened <= 1),
        'a source was opened twice',
      )
      assert.equal((await firstValueFrom(http.get('next'))).text(), 'next')
      await server.until(({ requests }) =>
        requests.every(({ answered, brokenAt }) => answered || brokenAt !== undefined),
      )
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
]

/** The error code of a stream that its client does not want any more (RFC 9113 §7). */
const CANCEL = 8

/** Numbers between 0 and 1 that look random and are the same every time (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const middleOf = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Infinity
