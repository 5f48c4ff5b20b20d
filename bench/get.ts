/**
 * What a GET of a small JSON costs the client, in CPU time at concurrency 50: sluice bare and with five plugins beside
 * undici.dispatch, undici.request, fetch, axios, got, ky and Angular's HttpClient, which take turns in one run. Exits with 1
 * when sluice costs more than it should.
 *
 *   npm run bench:get                  all of them
 *   npm run bench:get -- sluice undici only those whose name has one of these words; undici.request always runs
 */
import axios from 'axios'
import got from 'got'
import ky from 'ky'
import type { Observable } from 'rxjs'
import { createClient } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { defaultRequest } from 'sluice/plugins/default-request'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { userAgent } from 'sluice/plugins/user-agent'
import { Agent, request } from 'undici'
import http from 'node:http'
import { angularClient } from './angular.ts'
import { comparison, type Contenders, type Send } from './contest.ts'
import { startJsonServer } from './json-server.ts'
import { promised, subscribed } from './sends.ts'

const CONCURRENCY = 50

const words = process.argv.slice(2)
const kept = await comparison([], [{ name: 'GET', concurrency: CONCURRENCY, open }])
process.exitCode = kept ? 0 : 1

async function open(): Promise<Contenders> {
  const server = await startJsonServer()
  const { url } = server
  const agent = new Agent({ connections: CONCURRENCY, allowH2: false })
  const httpAgent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  const engine = undici({ connectionsPerOrigin: CONCURRENCY }).create()
  const bare = createClient({ engine, plugins: [] })
  const five = createClient({
    engine,
    plugins: [
      expectSuccess(),
      defaultRequest({ headers: { accept: 'application/json' } }),
      retry(),
      userAgent(),
      timeout(),
    ],
  })
  const all: Contenders['others'] = [
    ['undici.dispatch', viaDispatch(agent, server.origin), undefined],
    // Made anew for every request, as by who asks for something else each time.
    [
      'sluice, bare',
      done => {
        subscribed(bare.get(url))(done)
      },
      0.8,
    ],
    [
      'sluice, five plugins',
      done => {
        subscribed(five.get(url))(done)
      },
      0.95,
    ],
    ['fetch', promised(async () => (await fetch(url)).json()), undefined],
    ['axios', promised(async () => (await axios.get<unknown>(url, { httpAgent })).data), undefined],
    ['got', promised(async () => got(url, { agent: { http: httpAgent }, retry: { limit: 0 } }).json()), undefined],
    ['ky', promised(async () => ky(url).json()), undefined],
    ['angular', observed(angularClient().get(url)), undefined],
  ]
  return {
    base: ['undici.request', promised(async () => (await request(url, { dispatcher: agent })).body.json())],
    others: all.filter(([name]) => words.length === 0 || words.some(word => name.includes(word))),
    async close() {
      await Promise.all([bare.close(), five.close(), agent.close()])
      await engine.close()
      httpAgent.destroy()
      await server.close()
    },
  }
}

function observed(answer: Observable<unknown>): Send {
  return done => {
    answer.subscribe({
      error: done,
      complete: () => {
        done()
      },
    })
  }
}

function viaDispatch(agent: Agent, origin: string): Send {
  return done => {
    const chunks: Buffer[] = []
    agent.dispatch(
      { origin, path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData(_controller, chunk) {
          chunks.push(chunk)
        },
        onResponseEnd() {
          JSON.parse((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '')
          done()
        },
        onResponseError(_controller, error) {
          done(error)
        },
      },
    )
  }
}
