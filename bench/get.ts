/**
 * What a GET of a small JSON costs the client, in CPU µs per request at concurrency 50: sluice bare and with five
 * plugins beside undici.dispatch, undici.request, fetch, axios, got, ky and Angular's HttpClient. The server runs in a process of its own;
 * the contenders take turns in one run, so that a noisy machine is noisy for all. Every answer is parsed. There is no forced
 * garbage collection between the turns: it throws away compiled code whose objects have no instance at that moment, and
 * what is then measured is compiling.
 *
 *   npm run bench:get                  all of them
 *   npm run bench:get -- sluice undici only those whose name has one of these words; undici.request always runs
 */
import axios from 'axios'
import got from 'got'
import ky from 'ky'
import type { Observable } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { defaultRequest } from 'sluice/plugins/default-request'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { userAgent } from 'sluice/plugins/user-agent'
import { Agent, request } from 'undici'
import http from 'node:http'
import { angularClient } from './angular.ts'
import { median } from './median.ts'
import { startJsonServer } from './json-server.ts'

const BASE = 'undici.request'
const CONCURRENCY = 50
const ROUNDS = Number(process.env['ROUNDS'] ?? 15)
const WARM_UP = 5
const REQUESTS = Number(process.env['REQUESTS'] ?? 3000)

/** Sends one request and calls back when the JSON is parsed. */
type Send = (done: (error?: unknown) => void) => void

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

const all: Readonly<Record<string, Send>> = {
  'undici.dispatch': viaDispatch,
  'undici.request': promised(async () => (await request(url, { dispatcher: agent })).body.json()),
  'sluice, bare': subscribed(bare),
  'sluice, five plugins': subscribed(five),
  fetch: promised(async () => (await fetch(url)).json()),
  axios: promised(async () => (await axios.get<unknown>(url, { httpAgent })).data),
  got: promised(async () => got(url, { agent: { http: httpAgent }, retry: { limit: 0 } }).json()),
  ky: promised(async () => ky(url).json()),
  angular: observed(angularClient().get(url)),
}

const wanted = process.argv.slice(2)
const contenders = Object.fromEntries(
  Object.entries(all).filter(
    ([name]) => wanted.length === 0 || name === BASE || wanted.some(word => name.includes(word)),
  ),
)
const costs = new Map<string, number[]>()
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  for (const [name, send] of rotated(Object.entries(contenders), round)) {
    const cost = await burst(send)
    if (round >= WARM_UP) costs.set(name, [...(costs.get(name) ?? []), cost])
  }
}
const base = costs.get(BASE) ?? []
console.log(
  `GET of a small JSON, concurrency ${CONCURRENCY}, ${ROUNDS} rounds of ${REQUESTS} requests, Node ${process.version}`,
)
console.log('                        CPU µs/request   × undici.request')
for (const name of Object.keys(contenders)) {
  const own = costs.get(name) ?? []
  const ratio = median(own.map((cost, round) => cost / (base[round] ?? Number.NaN)))
  console.log(`${name.padEnd(24)}${median(own).toFixed(1).padStart(14)}${ratio.toFixed(2).padStart(19)}`)
}

await Promise.all([bare.close(), five.close(), agent.close()])
await engine.close()
httpAgent.destroy()
await server.close()

function subscribed(client: Client): Send {
  return done => {
    client.get(url).subscribe({
      next: response => {
        response.json()
      },
      error: done,
      complete: () => {
        done()
      },
    })
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

function promised(send: () => Promise<unknown>): Send {
  return done => {
    send().then(() => {
      done()
    }, done)
  }
}

function viaDispatch(done: (error?: unknown) => void): void {
  const chunks: Buffer[] = []
  agent.dispatch(
    { origin: server.origin, path: '/', method: 'GET' },
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

/** CPU time of this process for one burst, in µs per request. */
async function burst(send: Send): Promise<number> {
  const finished = Promise.withResolvers<undefined>()
  let started = 0
  let left = REQUESTS
  const next = (error?: unknown): void => {
    if (error !== undefined) finished.reject(error)
    else if (--left === 0) finished.resolve(undefined)
    else if (started < REQUESTS) {
      started++
      send(next)
    }
  }
  const start = process.cpuUsage()
  while (started < CONCURRENCY) {
    started++
    send(next)
  }
  await finished.promise
  const { user, system } = process.cpuUsage(start)
  return (user + system) / REQUESTS
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
