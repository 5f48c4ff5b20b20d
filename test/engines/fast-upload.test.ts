import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { expect, it } from 'vitest'
import { sent } from '../support/send.ts'

/** Reads whatever comes, and answers when the last chunk is there. */
const SINK = `
  const { createServer } = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.on('data', bytes => {
      if (bytes.toString('latin1', bytes.length - 5) === '0\\r\\n\\r\\n') socket.write('HTTP/1.1 204 No Content\\r\\n\\r\\n')
    })
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** The same in HTTP/2, with windows that never hold anybody up. */
const H2C_SINK = `
  const { createServer } = require('node:http2')
  const { parentPort } = require('node:worker_threads')
  const server = createServer({ settings: { initialWindowSize: 2 ** 30 } })
  server.on('session', session => session.setLocalWindowSize(2 ** 30))
  server.on('stream', stream => stream.on('end', () => stream.respond({ ':status': 204 }, { endStream: true })).resume())
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

it.each<[name: string, sink: string, engine: EngineFactory]>([
  ['undici', SINK, undici()],
  ['http', SINK, http()],
  ['http2', H2C_SINK, http2({ mode: 'h2c' })],
  ['fetch', SINK, fetch()],
])('%s leaves the process to others although its peer takes a body as fast as it is made', async (_, code, factory) => {
  // Only a peer beside this thread is never slower than the source.
  const thread = new Worker(code.replaceAll('\r\n', String.raw`\r\n`), { eval: true })
  const [port] = (await once(thread, 'message')) as [number]
  const engine = factory.create()
  let turns = 0
  let over = false
  const count = (): void => {
    turns++
    if (!over) setImmediate(count)
  }
  const made = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    count()
    for (let piece = 0; piece < 600; piece++) {
      const until = performance.now() + 0.5
      while (performance.now() < until);
      yield new Uint8Array(65_536).fill(1)
    }
    over = true
  }
  await sent(engine, `http://127.0.0.1:${port}/`, { method: 'POST', body: made })
  await engine.destroy()
  await thread.terminate()
  // Turns of the event loop, not time: how long one takes is up to the machine.
  expect(turns).toBeGreaterThan(50)
})
