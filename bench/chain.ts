/**
 * What ten plugins that do nothing cost a call: the same request through a client without and with them,
 * interleaved in one run, on an engine that answers at once.
 *
 *   npm run bench:chain
 */
import { createClient, definePlugin, type AnyPlugin } from 'sluice'
import { cost, instant } from './instant.ts'
import { median } from './median.ts'

const ROUNDS = 60
const CALLS = 20_000

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

const costs: { bare: number; ten: number }[] = []
for (let round = 0; round < ROUNDS + 10; round++) {
  const both = { bare: cost(bare, CALLS), ten: cost(ten, CALLS) }
  if (round >= 10) costs.push(both)
}
const without = median(costs.map(each => each.bare))
const added = median(costs.map(each => each.ten - each.bare))
console.log(`a call through an empty client   ${without.toFixed(2)} µs CPU`)
console.log(`ten plugins that do nothing add  ${added.toFixed(2)} µs CPU per call (promised: less than 2)`)
