/**
 * 1 GiB through a reader that is waited for, each time in a process of its own: speed by CPU time, and peak memory. It runs on what
 * users get, `dist/`: to strip the types of our sources takes 20 MiB, which no user pays.
 */
import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { EngineFactory } from 'sluice'
import { startBytesServer } from './bytes-server.ts'
import { median } from './median.ts'

const SIZE = 1024 ** 3
const BASE = 'undici.request, for await'
const ROUNDS = Number(process.env['ROUNDS'] ?? 7)

/** What one download took. */
interface Outcome {
  /** CPU time in seconds. */
  readonly cpu: number
  /** Peak memory in MiB. */
  readonly rss: number
}

/** Downloads, and answers with the number of bytes it saw. */
type Download = (url: string) => Promise<number>

/** Who downloads. What is loaded for it is loaded first, and not counted. */
const CONTENDERS: Readonly<Record<string, () => Promise<Download>>> = {
  [BASE]: async () => {
    const { Agent, request } = await import('undici')
    const dispatcher = new Agent({ allowH2: false })
    return async url => {
      const { body } = await request(url, { dispatcher })
      let count = 0
      for await (const chunk of body as AsyncIterable<Buffer>) count += chunk.length
      await dispatcher.close()
      return count
    }
  },
  'node:http, for await': async () => {
    const { get } = await import('node:http')
    return async url => {
      const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
        get(url, resolve).on('error', reject)
      })
      let count = 0
      for await (const chunk of response) count += chunk.length
      return count
    }
  },
  'client.stream on undici': async () => streamed((await import('sluice/engines/undici')).undici()),
  'client.stream on http': async () => streamed((await import('sluice/engines/http')).http()),
}

/** The same, from a reader which is waited for: the next chunk comes when it asks. */
async function streamed(engine: EngineFactory): Promise<Download> {
  const { createClient } = await import('sluice')
  const client = createClient({ engine, plugins: [] })
  return async url => {
    const count = await new Promise<number>((resolve, reject) => {
      client
        .stream(url, async function* (response) {
          let bytes = 0
          for await (const chunk of response) bytes += chunk.length
          yield bytes
        })
        .subscribe({ next: resolve, error: reject })
    })
    await client.close()
    return count
  }
}

/** Lets them take turns and prints what it took. */
export async function downloads(): Promise<void> {
  if (!existsSync(new URL('../dist/src/main.js', import.meta.url)))
    throw new Error('There is no dist/ to measure: run `npm run build` first.')
  const server = await startBytesServer()
  const url = `${server.origin}/${SIZE}`
  const names = Object.keys(CONTENDERS)
  const outcomes = new Map<string, Outcome[]>(names.map(name => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)])
      outcomes.get(name)?.push(await apart(name, url))
  }
  await server.close()
  console.log(`1 GiB, ${ROUNDS} rounds, a process for each, Node ${process.version}`)
  console.log('                               MiB per CPU second     speed     peak MiB')
  const base = outcomes.get(BASE) ?? []
  for (const [name, own] of outcomes) {
    const speed = median(own.map(({ cpu }, round) => (base[round]?.cpu ?? Number.NaN) / cpu))
    const rate = median(own.map(({ cpu }) => SIZE / 1024 ** 2 / cpu))
    const rss = median(own.map(outcome => outcome.rss))
    console.log(
      `${name.padEnd(30)}${rate.toFixed(0).padStart(19)}${speed.toFixed(2).padStart(10)}${rss.toFixed(0).padStart(13)}`,
    )
  }
}

/** Runs one download in a process of its own. */
async function apart(name: string, url: string): Promise<Outcome> {
  const child = fork(fileURLToPath(import.meta.url), [name, url], { stdio: 'inherit', execArgv: [] })
  return new Promise((resolve, reject) => {
    child.once('message', message => {
      resolve(message as Outcome)
    })
    child.once('exit', code => {
      reject(new Error(`the download by ${name} ended with ${String(code)}`))
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  const [, , name = '', url = ''] = process.argv
  const download = await CONTENDERS[name]?.()
  const start = process.cpuUsage()
  const count = await download?.(url)
  const { user, system } = process.cpuUsage(start)
  if (count !== SIZE) throw new Error(`${name} saw ${String(count)} bytes`)
  process.send({ cpu: (user + system) / 1e6, rss: process.resourceUsage().maxRSS / 1024 } satisfies Outcome)
  process.disconnect()
}
