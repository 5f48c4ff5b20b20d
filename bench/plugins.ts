/**
 * What a plugin adds to a call: the same request through an empty client and through one with the plugin, interleaved in one
 * run, on an engine that answers at once. Where a limit is promised, it is one on the whole call.
 *
 *   npm run bench:plugins [-- <name> …]
 */
import { firstValueFrom } from 'rxjs'
import { createClient, type AnyPlugin, type Client, type HttpResponse } from 'sluice'
import { basic } from 'sluice/plugins/basic'
import { bearer } from 'sluice/plugins/bearer'
import { cache } from 'sluice/plugins/cache'
import { checksum } from 'sluice/plugins/checksum'
import { CookieJar, cookies } from 'sluice/plugins/cookies'
import { deadline } from 'sluice/plugins/deadline'
import { dedupe } from 'sluice/plugins/dedupe'
import { decode } from 'sluice/plugins/decode'
import { encode } from 'sluice/plugins/encode'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { cost, instant } from './instant.ts'
import { median } from './median.ts'

const ROUNDS = 30
const WARM_UP = 10
const CALLS = 5_000

const BASE = 'http://bench.test/'

/** A jar with so many cookies that all go with the request. */
function jarOf(count: number): CookieJar {
  const jar = new CookieJar()
  for (let at = 0; at < count; at++) jar.set(`name${at}=some-value-${at}; Path=/; Max-Age=86400`, BASE)
  return jar
}

interface Case {
  readonly name: string
  readonly plugin: AnyPlugin
  /** The most the whole call may cost, in µs of CPU time. */
  readonly limit?: number
  /** Tells that the call did what is measured. */
  readonly proof?: (answer: HttpResponse) => boolean
}

const CASES: readonly Case[] = [
  { name: 'redirect', plugin: redirect() },
  { name: 'retry', plugin: retry() },
  { name: 'timeout', plugin: timeout() },
  { name: 'deadline', plugin: deadline() },
  { name: 'expectSuccess', plugin: expectSuccess() },
  { name: 'decode', plugin: decode() },
  { name: 'encode', plugin: encode() },
  { name: 'checksum', plugin: checksum() },
  { name: 'basic', plugin: basic({ username: 'ada', password: 'secret' }) },
  { name: 'bearer', plugin: bearer({ token: 'secret' }) },
  { name: 'dedupe', plugin: dedupe() },
  { name: 'cookies, none in the jar', plugin: cookies() },
  {
    name: 'cookies, 50 in the jar',
    plugin: cookies({ jar: jarOf(50) }),
    limit: 15,
    proof: ({ request }) => request.headers.get('cookie')?.split('; ').length === 50,
  },
  {
    name: 'cache, a hit in memory',
    plugin: cache(),
    limit: 8,
    proof: ({ headers }) => headers.get('cache-status')?.includes('hit') === true,
  },
]

const words = process.argv.slice(2)
const chosen = CASES.filter(({ name }) => words.length === 0 || words.some(word => name.includes(word)))

const open = (...plugins: AnyPlugin[]): Client => createClient({ engine: instant, baseUrl: BASE, plugins })
const bare = open()
const clients = chosen.map(({ plugin }) => open(plugin))

for (const [at, { name, proof }] of chosen.entries()) {
  const client = clients[at] ?? bare
  await firstValueFrom(client.get('users/7'))
  const answer = await firstValueFrom(client.get('users/7'))
  if (proof?.(answer) === false) throw new Error(`${name}: the call did not do what is to be measured`)
}

const costs: number[][] = []
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  const turn = [bare, ...clients].map(client => cost(client, CALLS))
  if (round >= WARM_UP) costs.push(turn)
}

console.log(`µs CPU per call, ${ROUNDS} rounds of ${CALLS}, Node ${process.version}`)
console.log('plugin                          whole call      adds     limit')
const base = costs.map(([first = 0]) => first)
console.log(`none${median(base).toFixed(2).padStart(38)}`)
for (const [at, { name, limit }] of chosen.entries()) {
  const whole = median(costs.map(turn => turn[at + 1] ?? Number.NaN))
  const adds = median(costs.map((turn, round) => (turn[at + 1] ?? Number.NaN) - (base[round] ?? 0)))
  const over = limit !== undefined && whole > limit
  if (over) process.exitCode = 1
  const shown = name.padEnd(32) + whole.toFixed(2).padStart(10) + adds.toFixed(2).padStart(10)
  console.log(`${shown}${(limit?.toFixed(2) ?? '').padStart(10)}${over ? '  not kept' : ''}`)
}
await Promise.all([bare, ...clients].map(async client => client.close()))
