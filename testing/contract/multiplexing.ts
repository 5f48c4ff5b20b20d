/** Contract: many exchanges on one connection of HTTP/2. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import { reply } from '../serve/reply.ts'
import type { Case, Need } from './case.ts'
import { failure, settled, watch } from './watch.ts'

const MIB = 1024 * 1024
const needs: readonly Need[] = ['http/2']
const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const
const REFUSED_STREAM = 7

/** How soon all streams of a connection that has ended must have settled, in milliseconds. */
const SOON = 100

/** What an engine does with a connection that carries many exchanges. */
export const multiplexing: readonly Case[] = [
  {
    title: 'carries 50 requests at a time on one connection',
    needs,
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('x', { delay: 20 }) })
      const http = client(server.url)
      await Promise.all(Array.from({ length: 50 }, () => firstValueFrom(http.get(''))))
      assert.equal(server.connections.length, 1)
    },
  },
  {
    title: 'opens no more streams than the server allows, on a new connection neither',
    needs,
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('x', { delay: 2 }) }, { http2: { maxConcurrentStreams: 4 } })
      const http = client(server.url)
      const all = await Promise.all(Array.from({ length: 40 }, () => firstValueFrom(http.get(''))))
      assert.ok(all.every(response => response.text() === 'x'))
      const refused = server.connections.map(connection => connection.refused)
      assert.ok(
        refused.every(count => count === 0),
        `streams were refused because there were too many: ${String(refused)}`,
      )
    },
  },
  {
    title: 'opens no stream before it knows the settings of the server',
    needs,
    unless: ['connections'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': reply.text('x') }, { http2: { settings: false } })
      const { subscription } = watch(client(server.url).post('', 'x'))
      await server.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
      await settled(() => server.connections[0]?.bytesIn ?? 0)
      assert.equal(server.requests.length, 0, 'the request was sent')
      subscription.unsubscribe()
      await settled(() => server.open, 100)
      assert.equal(server.requests.length, 0, 'a request was sent that nobody waited for any more')
    },
  },
  {
    title: 'sends again what was refused',
    needs,
    async run({ client, serve }) {
      const server = await serve({
        'POST /': async request =>
          request.index < 2
            ? { fault: { kind: 'reset', at: 'before-head', code: REFUSED_STREAM } }
            : reply.text(await request.text()),
      })
      const response = await firstValueFrom(client(server.url).post('', 'sent'))
      assert.equal(response.text(), 'sent')
      assert.equal(server.requests.length, 3)
    },
  },
  {
    title: 'sends again what is always refused only a few times',
    needs,
    unless: ['failures'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': { fault: { kind: 'reset', at: 'before-head', code: REFUSED_STREAM } } })
      const error = await failure(client(server.url).post('', 'x'))
      assert.equal(error.code, 'RESET', error.message)
      assert.equal(error.h2Code, REFUSED_STREAM)
      assert.equal(error.requestWritten, 'no', 'what was refused was never processed')
      assert.ok(server.requests.length <= 6, `it was sent ${server.requests.length} times`)
    },
  },
  {
    title: 'sends again on another connection what a GOAWAY does not cover',
    needs,
    async run({ client, serve }) {
      const server = await serve({
        'POST /': async request =>
          request.index === 0 ? { fault: { kind: 'goaway', at: 'before-head' } } : reply.text(await request.text()),
      })
      const response = await firstValueFrom(client(server.url).post('', 'sent'))
      assert.equal(response.text(), 'sent')
      assert.deepEqual(
        server.requests.map(({ connection }) => connection),
        [1, 2],
      )
    },
  },
  ...(['fin', 'reset'] as const).map((kind): Case => ({
    title: `settles all 50 exchanges at once when their connection ends with a ${kind.toUpperCase()}`,
    needs,
    unless: ['failures'],
    async run({ client, serve }) {
      const server = await serve({
        'POST /stalled': stalled,
        'POST /end': { fault: { kind, at: 'before-head', scope: 'connection' } },
      })
      const http = client(server.url)
      const all = Array.from({ length: 50 }, () => watch(http.post('stalled', 'x')))
      await server.received(50)
      const from = performance.now()
      all.push(watch(http.post('end', 'x')))
      await Promise.all(all.map(({ ended }) => ended))
      const took = performance.now() - from
      const codes = new Set(all.map(({ error }) => (error as { code?: string } | undefined)?.code))
      assert.deepEqual([...codes], ['RESET'])
      assert.ok(took <= SOON, `the last one settled after ${took.toFixed(0)} ms`)
    },
  })),
  {
    title: 'lets eight answers nobody reads hold back neither a ninth nor more than 1 MiB each',
    needs: [...needs, 'backPressure'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /paused': reply.bytes(64 * MIB), 'GET /ninth': reply.bytes(4 * MIB) })
      const http = client(server.url)
      const alone = await timeOf(() => firstValueFrom(http.get('ninth')))
      const paused = Array.from({ length: 8 }, () =>
        watch(
          http.stream('paused', async function* (response) {
            yield await response.read()
            await new Promise(() => {})
          }),
        ),
      )
      await server.received(9)
      await settled(() => server.connections.reduce((sum, { bytesOut }) => sum + bytesOut, 0))
      const held = server.requests.slice(1).map(({ bytesOut }) => bytesOut)
      assert.ok(
        held.every(bytes => bytes > 0 && bytes <= MIB),
        `${String(held)} bytes left the server for readers that read none`,
      )
      const beside = await timeOf(() => firstValueFrom(http.get('ninth')))
      assert.ok(
        beside < 5 * alone + 100,
        `4 MiB took ${beside.toFixed(0)} ms beside them, ${alone.toFixed(0)} ms alone`,
      )
      assert.equal(server.connections.length, 1)
      for (const { subscription } of paused) subscription.unsubscribe()
    },
  },
]

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}
