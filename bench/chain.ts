/**
 * What ten plugins that do nothing cost a call: the same request through a client without and with them,
 * interleaved in one run, on an engine that answers at once.
 *
 *   npm run bench:chain
 */
import { createClient, definePlugin, HttpHeaders, type AnyPlugin, type Client, type Engine } from 'sluice'
import { median } from './median.ts'

const ROUNDS = 60
const CALLS = 20_000

const headers = HttpHeaders.received(['content-type', 'application/json'])
const flow = { pause() {}, resume() {} }
const bytes = new TextEncoder().encode('{"ok":true}')

/** Answers inside `exchange()`: what is left is the chain's own cost. */
const instant: Engine = {
  name: 'instant',
  capabilities: {
    protocols: ['http/1.1'],
    streamingUpload: false,
    uploadProgress: false,
    duplex: false,
    informational: false,
    trailers: false,
    backPressure: false,
    webSocket: false,
    decodes: false,
    proxies: false,
    limits: [],
  },
  exchange(request, observer) {
    observer.next({ type: 'sent' })
    observer.next({
      type: 'head',
      head: { status: 200, statusText: 'OK', headers, httpVersion: '1.1', url: request.url, request },
      flow,
    })
    observer.next({ type: 'chunk', bytes })
    observer.complete()
    return { ...flow, abort() {} }
  },
  close: async () => {},
  destroy: async () => {},
}

const scopes = ['call', 'call', 'steer', 'steer', 'steer', 'attempt', 'attempt', 'attempt', 'wire', 'wire'] as const

function passing(at: number): AnyPlugin {
  return definePlugin({
    name: `passing${at}`,
    scope: scopes[at] ?? 'call',
    defaults: {},
    install: () => (request, next) => next(request),
  })()
}

const bare = createClient({ engine: instant, baseUrl: 'http://bench.test/', plugins: [] })
const ten = createClient({
  engine: instant,
  baseUrl: 'http://bench.test/',
  plugins: scopes.map((_, at) => passing(at)),
})

function run(client: Client): number {
  let answered = 0
  const counting = {
    next: () => answered++,
    error: (error: unknown) => {
      throw error
    },
  }
  const start = process.cpuUsage()
  for (let call = 0; call < CALLS; call++) client.get('users/7').subscribe(counting)
  const { user, system } = process.cpuUsage(start)
  if (answered !== CALLS) throw new Error(`${answered} of ${CALLS} calls were answered`)
  return (user + system) / CALLS
}

const costs: { bare: number; ten: number }[] = []
for (let round = 0; round < ROUNDS + 10; round++) {
  const cost = { bare: run(bare), ten: run(ten) }
  if (round >= 10) costs.push(cost)
}
const without = median(costs.map(cost => cost.bare))
const added = median(costs.map(cost => cost.ten - cost.bare))
console.log(`a call through an empty client   ${without.toFixed(2)} µs CPU`)
console.log(`ten plugins that do nothing add  ${added.toFixed(2)} µs CPU per call (promised: less than 2)`)
