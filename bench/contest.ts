/**
 * Contenders that take turns, and what their requests cost beside each other. A turn is long enough to fill the young
 * generation of the heap more than once, and begins with an empty one, so that everyone collects their own garbage and not that
 * of whoever went before. Between the turns only that generation is collected: a collection of the whole heap throws away
 * compiled code whose objects have no instance at that moment, and what is then measured is compiling.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from './median.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/** Sends one request and calls back when its answer is parsed. */
export type Send = (done: (error?: unknown) => void) => void

/** An engine of ours and what it is measured against. */
export interface Contest {
  readonly name: string
  /** How many requests are on their way at a time. */
  readonly concurrency: number
  readonly open: () => Promise<Contenders>
}

/** Who takes part. */
export interface Contenders {
  readonly base: readonly [name: string, send: Send]
  /** What they may cost at most, as a multiple of the base; `undefined` is only shown. */
  readonly others: readonly (readonly [name: string, send: Send, limit: number | undefined])[]
  readonly close: () => Promise<void>
}

const ROUNDS = Number(process.env['ROUNDS'] ?? 11)
const REQUESTS = Number(process.env['REQUESTS'] ?? 6000)
const WARM_UP = 3

/** Runs the contests whose name has one of these words, prints them, and tells whether every limit was kept. */
export async function comparison(words: readonly string[], contests: readonly Contest[]): Promise<boolean> {
  let kept = true
  console.log(`GET of a small JSON, ${ROUNDS} rounds of ${REQUESTS} requests, Node ${process.version}`)
  console.log('                                    CPU µs/request     ratio     limit')
  for (const contest of contests) {
    if (words.length > 0 && !words.some(word => contest.name.includes(word))) continue
    const { base, others, close } = await contest.open()
    const all = [base, ...others] as const
    const costs = new Map<string, number[]>(all.map(([name]) => [name, []]))
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      for (const [name, send] of rotated(all, round)) {
        // What has survived the first one is moved out of the way by the second one.
        collect({ type: 'minor' })
        collect({ type: 'minor' })
        const cost = await burst(send, contest.concurrency)
        if (round >= WARM_UP) costs.get(name)?.push(cost)
      }
    }
    await close()
    const [baseName] = base
    for (const [name, , limit] of all) {
      const own = costs.get(name) ?? []
      const ratio = median(own.map((cost, round) => cost / (costs.get(baseName)?.[round] ?? Number.NaN)))
      const over = limit !== undefined && ratio > limit
      if (over) kept = false
      const shown =
        `${contest.name}: ${name}`.padEnd(34) + median(own).toFixed(1).padStart(16) + ratio.toFixed(2).padStart(10)
      console.log(`${shown}${(limit?.toFixed(2) ?? '').padStart(10)}${over ? '  not kept' : ''}`)
    }
  }
  return kept
}

/** CPU time of this process for one burst, in µs per request. */
async function burst(send: Send, concurrency: number): Promise<number> {
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
  while (started < concurrency) {
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
