/**
 * Streams of items: what it costs to have them from a server, beside what it costs to parse the same bytes when they are in memory
 * already. Contenders take turns in one run, so that a noisy machine is noisy for all of them.
 *
 *   npm run bench:streams             NDJSON, SSE, and SSE without ids; exits with 1 when a limit is not kept
 *   npm run bench:streams -- ndjson   only that one
 *
 * Speed is by CPU time, so that neither the server nor whoever else is busy is counted. An event that is data alone is parsed in 60 ns,
 * three times as fast as Node takes 100 bytes off a socket: there the socket itself is what to compare with, and no limit is set.
 *
 * The server runs in a process of its own. The environment variables ROUNDS and ITEMS change how long it takes.
 */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createParser } from 'eventsource-parser'
import got from 'got'
import { createClient, type Reader } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { ndjson } from 'sluice/streams/ndjson'
import { sse } from 'sluice/streams/sse'
import { block, FORMATS, ITEM, startItemsServer, type Format } from './items-server.ts'
import { median } from './median.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const ITEMS = Number(process.env['ITEMS'] ?? 2_000_000)
/** The least speed, as a part of that of the bare parser. */
const LEAST = 0.5
/** What arrives from a socket at a time. */
const CHUNK = 64 * 1024

/** Has all items of a url parsed, and answers with their number. */
type Run = (url: string) => Promise<number>

interface Contender {
  readonly name: string
  readonly run: Run
  /** The least speed, as a part of the first one's; `undefined` is only shown. */
  readonly least?: number
}

const client = createClient({ engine: undici(), plugins: [] })
const server = await startItemsServer()
const formats = (Object.keys(FORMATS) as Format[]).filter(
  format => process.argv.length < 3 || process.argv.slice(2).includes(format),
)
console.log(`${ITEMS} items of ${ITEM} bytes, ${ROUNDS} rounds, Node ${process.version}`)
for (const format of formats) if (!(await compare(format, contenders(format)))) process.exitCode = 1
await client.close()
await server.close()

function contenders(format: Format): readonly Contender[] {
  const bytes = block(format, ITEMS)
  return format === 'ndjson'
    ? [
        { name: 'split and JSON.parse, in memory', run: async () => splitting(chunksOf(bytes)) },
        { name: 'client.stream, ndjson()', run: streamed(ndjson()), least: LEAST },
        { name: 'client.stream, ndjson(projector)', run: streamed(ndjson(item => [item])) },
        { name: 'a socket, split by hand', run: async url => splitting(bodyOn(url)) },
        { name: 'fetch, split by hand', run: async url => splitting(bodyOf(await fetch(url))) },
        { name: 'got.stream, readline', run: byReadline },
      ]
    : [
        { name: 'eventsource-parser, in memory', run: async () => parsing(chunksOf(bytes)) },
        { name: 'client.stream, sse()', run: streamed(sse()), ...(format === 'sse' && { least: LEAST }) },
        { name: 'client.stream, sse(projector)', run: streamed(sse(event => [event])) },
        { name: 'a socket, eventsource-parser', run: async url => parsing(bodyOn(url)) },
        { name: 'fetch, eventsource-parser', run: async url => parsing(bodyOf(await fetch(url))) },
      ]
}

/** Lets them take turns, prints what came of it, and tells whether every limit was kept. */
async function compare(format: Format, all: readonly Contender[]): Promise<boolean> {
  const url = `${server.origin}/${format}/${ITEMS}`
  const costs = all.map((): { cpu: number; wall: number }[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const at = (turn + round) % all.length
      const { name, run } = all[at] as Contender
      // The whole heap is left alone: with what is dead, compiled code would go, see contest.ts.
      collect({ type: 'minor' })
      collect({ type: 'minor' })
      const cpu = process.cpuUsage()
      const start = performance.now()
      const count = await run(url)
      const wall = (performance.now() - start) * 1000
      const { user, system } = process.cpuUsage(cpu)
      if (count !== ITEMS) throw new Error(`${name} saw ${count} items`)
      // The first one is for the compiler.
      if (round > 0) costs[at]?.push({ cpu: user + system, wall })
    }
  }
  let kept = true
  console.log(`\n${format.padEnd(34)}items/s   items/CPU s    by time   by CPU     least`)
  for (const [at, { name, least }] of all.entries()) {
    const own = costs[at] ?? []
    const ratio = (by: 'cpu' | 'wall'): number =>
      median(own.map((cost, round) => (costs[0]?.[round]?.[by] ?? Number.NaN) / cost[by]))
    const rate = (by: 'cpu' | 'wall'): string => ((ITEMS / median(own.map(cost => cost[by]))) * 1e6).toFixed(0)
    const under = least !== undefined && ratio('cpu') < least
    if (under) kept = false
    console.log(
      `${name.padEnd(32)}${rate('wall').padStart(9)}${rate('cpu').padStart(14)}${ratio('wall').toFixed(2).padStart(10)}` +
        `${ratio('cpu').toFixed(2).padStart(9)}${(least?.toFixed(2) ?? '').padStart(10)}${under ? '  not kept' : ''}`,
    )
  }
  return kept
}

function streamed(reader: Reader<unknown>): Run {
  return url =>
    new Promise((resolve, reject) => {
      let count = 0
      client.stream(url, reader).subscribe({
        next: () => count++,
        error: reject,
        complete: () => {
          resolve(count)
        },
      })
    })
}

/** The least one can write for NDJSON without losing half of a character. */
async function splitting(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
  const decoder = new TextDecoder()
  let count = 0
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      JSON.parse(line)
      count++
    }
  }
  return count
}

/** The same for events. */
async function parsing(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
  const decoder = new TextDecoder()
  let count = 0
  const parser = createParser({ onEvent: () => count++ })
  for await (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
  return count
}

async function byReadline(url: string): Promise<number> {
  let count = 0
  for await (const line of createInterface({ input: got.stream(url, { retry: { limit: 0 } }), crlfDelay: Infinity })) {
    JSON.parse(line)
    count++
  }
  return count
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK)
}

/** What no client can be faster than: a socket, and nothing that looks at what HTTP says. */
async function* bodyOn(url: string): AsyncGenerator<Uint8Array> {
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`GET ${pathname} HTTP/1.1\r\n\r\n`)
  let left = ITEMS * ITEM
  let begun = false
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const bytes = begun ? chunk : chunk.subarray(chunk.indexOf('\r\n\r\n') + 4)
    begun = true
    left -= bytes.length
    yield bytes
    if (left === 0) return
  }
}

function bodyOf({ body }: Response): AsyncIterable<Uint8Array> {
  return body as unknown as AsyncIterable<Uint8Array>
}
