/**
 * 2 GiB through `lines(project)`, each line waited for by a projector: how much the memory of the process grows meanwhile. Fails
 * when that is 32 MiB or more.
 *
 *   npm run soak:streams            on every engine on Node
 *   npm run soak:streams -- http    only on that one
 *
 * The environment variable SIZE changes how many bytes pass.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { of } from 'rxjs'
import { createClient, type EngineFactory } from 'sluice'
import { lines } from 'sluice/streams/lines'
import { startItemsH2Server } from './items-h2-server.ts'
import { ITEM, startItemsServer } from './items-server.ts'

const SIZE = Number(process.env['SIZE'] ?? 2 * 1024 ** 3)
const MOST = 32
/** Before this, engine, compiler and young heap reach their size. */
const WARM_UP = Math.min(SIZE / 4, 128 * 1024 ** 2)

const ENGINES: Readonly<Record<string, () => Promise<EngineFactory>>> = {
  undici: async () => (await import('sluice/engines/undici')).undici(),
  http: async () => (await import('sluice/engines/http')).http(),
  http2: async () => (await import('sluice/engines/http2')).http2({ mode: 'h2c' }),
  fetch: async () => (await import('sluice/engines/fetch')).fetch(),
}

if (process.send === undefined) {
  const wanted = process.argv.slice(2)
  for (const name of Object.keys(ENGINES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const server = await (name === 'http2' ? startItemsH2Server() : startItemsServer())
    const grown = await apart(name, `${server.origin}/ndjson/${Math.floor(SIZE / ITEM)}`)
    await server.close()
    if (grown >= MOST) process.exitCode = 1
    console.log(
      `${name}: memory grew by ${grown.toFixed(1)} MiB while ${(SIZE / 1024 ** 2).toFixed(0)} MiB passed through lines(project)`,
    )
  }
} else {
  const [, , name = '', url = ''] = process.argv
  process.send(await pass(name, url))
  process.disconnect()
}

/** In a process of its own, whose memory is nobody else's. */
async function apart(name: string, url: string): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), [name, url], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.once('message', message => {
      resolve(Number(message))
    })
    child.once('exit', code => {
      reject(new Error(`${name} ended with ${String(code)}`))
    })
  })
}

/** How many MiB the process grew, at most, after the beginning. */
async function pass(name: string, url: string): Promise<number> {
  const engine = await ENGINES[name]?.()
  if (engine === undefined) throw new Error(`There is no engine ${name} here.`)
  const client = createClient({ engine, plugins: [] })
  let count = 0
  let before = 0
  let most = 0
  await new Promise<void>((resolve, reject) => {
    client
      .stream(
        url,
        lines(line => of(line.length)),
      )
      .subscribe({
        next() {
          if (++count % 10_000 !== 0) return
          const { rss } = process.memoryUsage()
          if (count * ITEM < WARM_UP) before = Math.max(before, rss)
          else most = Math.max(most, rss)
        },
        error: reject,
        complete: resolve,
      })
  })
  await client.close()
  if (count !== Math.floor(SIZE / ITEM)) throw new Error(`${name} saw ${count} lines`)
  return (most - before) / 1024 ** 2
}
