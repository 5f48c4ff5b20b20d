/**
 * What our engines cost beside the drivers they stand on, as limits that hold on any machine: ratios of CPU time, taken in
 * turns in one run, so that a noisy machine is noisy for both.
 *
 *   npm run bench:engines                 a GET of a small JSON, every contest; exits with 1 when a limit is not kept
 *   npm run bench:engines -- undici http  only the contests whose name has one of these words
 *   npm run bench:engines -- download     1 GiB: speed by CPU time, and peak memory. Needs a build
 *
 * The server runs in a process of its own. Every answer is parsed. The environment variables ROUNDS and REQUESTS change how long it takes.
 */
import http from 'node:http'
import http2 from 'node:http2'
import { createClient } from 'sluice'
import { http as httpEngine } from 'sluice/engines/http'
import { http2 as http2Engine } from 'sluice/engines/http2'
import { undici as undiciEngine } from 'sluice/engines/undici'
import { Agent, request } from 'undici'
import { comparison, type Contest, type Send } from './contest.ts'
import { downloads } from './download.ts'
import { exchanging } from './exchanging.ts'
import { startH2Server } from './h2-server.ts'
import { startJsonServer } from './json-server.ts'
import { promised, subscribed } from './sends.ts'

const [mode] = process.argv.slice(2)
if (mode === 'download') await downloads()
else process.exitCode = (await comparison(process.argv.slice(2), contests())) ? 0 : 1

/** Every engine with the driver it is measured against. A new one is one more entry. */
function contests(): readonly Contest[] {
  return [
    {
      name: 'undici',
      concurrency: 50,
      async open() {
        const server = await startJsonServer()
        const agent = new Agent({ connections: 50, allowH2: false })
        const engine = undiciEngine({ connectionsPerOrigin: 50 }).create()
        const client = createClient({ engine, plugins: [] })
        return {
          base: [
            'undici.request',
            promised(async () => (await request(server.url, { dispatcher: agent })).body.json()),
          ],
          others: [
            ['the engine', exchanging(engine, server.url), 0.85],
            ['a client on it', subscribed(client.get(server.url)), undefined],
          ],
          async close() {
            await client.close()
            await engine.close()
            await agent.close()
            await server.close()
          },
        }
      },
    },
    {
      name: 'http',
      concurrency: 50,
      async open() {
        const server = await startJsonServer()
        const agent = new http.Agent({ keepAlive: true, maxSockets: 50 })
        const engine = httpEngine({ connectionsPerOrigin: 50 }).create()
        const client = createClient({ engine, plugins: [] })
        return {
          base: ['node:http, Agent', viaNode(server.url, agent)],
          others: [
            ['the engine', exchanging(engine, server.url), 1.1],
            ['a client on it', subscribed(client.get(server.url)), undefined],
          ],
          async close() {
            await client.close()
            await engine.close()
            agent.destroy()
            await server.close()
          },
        }
      },
    },
    {
      name: 'http2',
      concurrency: 100,
      async open() {
        const server = await startH2Server()
        const session = http2.connect(server.origin)
        await new Promise(resolve => session.once('remoteSettings', resolve))
        const engine = http2Engine({ mode: 'h2c', connectionsPerOrigin: 1 }).create()
        const client = createClient({ engine, plugins: [] })
        return {
          base: ['node:http2, one session', viaSession(session)],
          others: [
            ['the engine', exchanging(engine, server.url), 1.2],
            ['a client on it', subscribed(client.get(server.url)), undefined],
          ],
          async close() {
            await client.close()
            await engine.close()
            session.close()
            await server.close()
          },
        }
      },
    },
  ]
}

/** The least one can write on node:http without losing errors. */
function viaNode(url: string, agent: http.Agent): Send {
  return done => {
    const sent = http.request(url, { agent }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', done)
      response.on('end', () => {
        JSON.parse((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '')
        done()
      })
    })
    sent.on('error', done)
    sent.end()
  }
}

/** The least one can write on node:http2 without losing errors. */
function viaSession(session: http2.ClientHttp2Session): Send {
  return done => {
    const chunks: Buffer[] = []
    const stream = session.request({ ':path': '/' })
    stream.on('response', () => {
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    })
    stream.on('error', done)
    stream.on('close', () => {
      JSON.parse(Buffer.concat(chunks).toString())
      done()
    })
  }
}
