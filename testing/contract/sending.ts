/** Contract: when and what an engine sends. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import { UPLOAD_PROGRESS } from '../../src/engine.ts'
import { definePlugin } from '../../src/define-plugin.ts'
import { createClient } from '../../src/main.ts'
import { reply } from '../serve/reply.ts'
import type { Case } from './case.ts'
import { Endless } from './endless.ts'
import { failure, settled, watch } from './watch.ts'

const MIB = 1024 * 1024

/** When and what an engine sends. */
export const sending: readonly Case[] = [
  {
    title: 'sends nothing before it is subscribed to, and once for every subscriber',
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.text('ok') })
      const cold = client(server.url).get('')
      await new Promise(resolve => setImmediate(resolve))
      assert.equal(server.connections.length, 0)
      await Promise.all([firstValueFrom(cold), firstValueFrom(cold)])
      assert.equal(server.requests.length, 2)
    },
  },
  {
    title: 'sends method, target and headers as the request has them',
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.status(204) })
      const headers = { 'X-One': 'a', 'x-two': ['b', 'c'], 'x-latin': 'caf\u00e9' }
      await firstValueFrom(client(server.url).request('REPORT', 'a%20b/c?q=%C3%A9&r', { headers }))
      const [request] = server.requests
      assert.equal(request?.method, 'REPORT')
      assert.equal(request.target, '/a%20b/c?q=%C3%A9&r')
      assert.equal(request.headers['x-one'], 'a')
      assert.equal(request.headers['x-two']?.replace(/\s/g, ''), 'b,c')
      assert.equal(request.headers['x-latin'], 'caf\u00e9')
    },
  },
  {
    title: 'adds no header of its own but those of the connection and the framing',
    unless: ['headers'],
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.status(204) })
      await firstValueFrom(client(server.url).get(''))
      const own = Object.keys(server.requests[0]?.headers ?? {}).filter(name => !['host', 'connection'].includes(name))
      assert.deepEqual(own, [])
    },
  },
  {
    title: 'announces the length of a body that is known',
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.status(204) })
      const http = client(server.url)
      await firstValueFrom(http.post('known', 'four'))
      await firstValueFrom(http.post('blob', new Blob(['four', 'teen'])))
      await firstValueFrom(http.post('empty'))
      const [known, blob, empty] = server.requests
      assert.equal(known?.headers['content-length'], '4')
      assert.equal(blob?.headers['content-length'], '8')
      assert.equal(text(blob.body), 'fourteen')
      assert.equal(empty?.headers['content-length'], '0')
    },
  },
  {
    title: 'announces no length for a body whose length nobody knows',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.status(204) })
      await firstValueFrom(client(server.url).post('unknown', pieces('one', 'two')))
      const [unknown] = server.requests
      assert.equal(unknown?.headers['content-length'], undefined)
      assert.equal(text(unknown?.body), 'onetwo')
    },
  },
  ...['GET', 'DELETE', 'OPTIONS'].map((method): Case => ({
    title: `sends a body with ${method} framed like any other`,
    ...(method === 'GET' ? { unless: ['methods'] } : {}),
    async run({ client, serve }) {
      const server = await serve({ '/*': reply.status(204) })
      await firstValueFrom(client(server.url).request(method, '', { body: 'x' }))
      assert.deepEqual(
        server.requests.map(({ body }) => text(body)),
        ['x'],
      )
      assert.deepEqual(server.errors, [])
    },
  })),
  {
    title: 'sends 2 MB of a stream byte by byte as it was produced',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /echo': async request => ({ body: await request.bytes() }) })
      const sent = Uint8Array.from({ length: 2_000_000 }, (_, at) => (at * 7919) % 251)
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < sent.length; at += 70_001) yield sent.subarray(at, at + 70_001)
      }
      const response = await firstValueFrom(client(server.url).post('echo', source()))
      assert.equal(Buffer.compare(response.bytes, sent), 0)
    },
  },
  {
    title: 'holds the source of a body back while the peer does not read',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': { read: 'none', fault: { kind: 'stall', at: 'before-head' } } })
      let produced = 0
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          produced += 65_536
          yield new Uint8Array(65_536)
        }
      }
      const { subscription } = watch(client(server.url).post('', endless()))
      await server.received()
      assert.ok(
        (await settled(() => produced)) <= 8 * MIB,
        `${produced} bytes were produced for a peer that reads none`,
      )
      subscription.unsubscribe()
    },
  },
  {
    title: 'delivers an answer that comes before the body is sent, and stops the source once',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': reply.text('too large', { status: 413, early: true, close: true }) })
      const source = new Endless()
      const response = await firstValueFrom(client(server.url).post('', source))
      assert.equal(response.status, 413)
      assert.equal(response.text(), 'too large')
      await settled(() => source.returned)
      assert.equal(source.returned, 1)
    },
  },
  {
    title: 'reports what fails in the source of a body, and never a whole request',
    needs: ['streamingUpload'],
    async run({ client, serve }) {
      const server = await serve({ 'POST /': reply.status(204) })
      const broken = new Error('the disk is gone')
      async function* source(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(1000)
        throw broken
      }
      const error = await failure(client(server.url).post('', source()))
      assert.equal(error.code, 'BODY')
      assert.equal(error.cause, broken)
      await settled(() => server.open)
      assert.ok(server.requests.every(({ complete }) => !complete))
    },
  },
  {
    title: 'tells how much of a body was sent, when asked',
    needs: ['streamingUpload', 'uploadProgress'],
    async run({ engine, serve }) {
      const server = await serve({ 'POST /': reply.status(204) })
      const asking = definePlugin({
        name: 'asking',
        scope: 'call',
        defaults: {},
        install: () => (request, next) => next(request.note(UPLOAD_PROGRESS, true)),
      })
      const http = createClient({ engine: engine(), baseUrl: server.url, plugins: [asking()] })
      const events = watch(http.events('', { method: 'POST', body: pieces('a'.repeat(1000), 'b'.repeat(500)) }))
      await events.ended
      const up = events.values.filter(event => event.type === 'progress')
      assert.equal(up.at(-1)?.loaded, 1500)
      assert.equal(up.at(-1)?.done, true)
      assert.equal(up.filter(event => event.done).length, 1)
    },
  },
]

async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  for (const piece of texts) yield piece
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes)
}
