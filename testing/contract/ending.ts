/** Contract: how engines end, and what they leave behind. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import { HttpError } from '../../src/errors.ts'
import { createClient } from '../../src/main.ts'
import { reply } from '../serve/reply.ts'
import type { Case } from './case.ts'
import { Endless } from './endless.ts'
import { openResources, resourcesGone } from './resources.ts'
import { swallow, watch } from './watch.ts'

const stalled = { fault: { kind: 'stall', at: 'before-head' } } as const

/** How engines end. */
export const ending: readonly Case[] = [
  {
    title: 'lets running exchanges finish when it is closed',
    async run({ engine, serve }) {
      const server = await serve({ 'GET /slow': { delay: 100, body: 'late' } })
      const own = engine()
      const slow = watch(createClient({ engine: own, baseUrl: server.url, plugins: [] }).get('slow'))
      await server.received()
      await own.close()
      assert.equal(slow.error, undefined, 'what ran was cut off')
      assert.equal(slow.values[0]?.text(), 'late', 'it did not wait for what ran')
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
      await server.until(({ open }) => open === 0, 1000)
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
  {
    title: 'leaves no socket, timer or handle when it is destroyed in the middle of everything',
    needs: ['streamingUpload'],
    unless: ['connections'],
    async run({ engine, serve }) {
      const before = openResources()
      const server = await serve({
        'GET /idle': reply.text('x'),
        'GET /stalled': stalled,
        'GET /endless': reply.bytes(Infinity),
        'POST /upload': stalled,
      })
      const silent = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
      const own = engine()
      const http = createClient({ engine: own, baseUrl: server.url, plugins: [], confine: false })
      await Promise.all([1, 2, 3].map(() => firstValueFrom(http.get('idle'))))
      const source = new Endless()
      const running = [
        watch(http.get('stalled')),
        watch(http.stream('endless', swallow)),
        watch(http.post('upload', source)),
        watch(http.get(silent.url)),
      ]
      await server.received(6)
      await silent.until(({ connections }) => connections.length > 0)
      await own.destroy(new HttpError('CANCELLED', 'The test is over.'))
      await Promise.all(running.map(({ ended }) => ended))
      for (const { error } of running) assert.equal((error as HttpError).code, 'CANCELLED')
      assert.equal(source.returned, source.opened, 'the source of a body was left open')
      await server.until(({ open }) => open === 0, 1000)
      await silent.until(({ open }) => open === 0, 1000)
      await Promise.all([server.close(), silent.close()])
      await resourcesGone(before)
      const { open = 0, queued = 0 } = own.stats?.() ?? {}
      assert.deepEqual([open, queued], [0, 0], 'its statistics count what is gone')
    },
  },
]
