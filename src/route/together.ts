/** What several engines are together: what all of them can, and what their pools hold. */
import type { Capabilities, Engine, Need, PoolNumbers, PoolStats } from '../engine.ts'

/** What every one of these engines can, and what the platform of any reserves to itself. */
export function common(engines: readonly Engine[]): Capabilities {
  const all = engines.map(({ capabilities }) => capabilities)
  const every = (need: Need): boolean => all.every(one => one[need])
  const [first] = all
  return {
    protocols: [...new Set(all.flatMap(({ protocols }) => protocols))],
    streamingUpload: every('streamingUpload'),
    uploadProgress: every('uploadProgress'),
    duplex: every('duplex'),
    informational: every('informational'),
    trailers: every('trailers'),
    backPressure: every('backPressure'),
    webSocket: every('webSocket'),
    decodes: every('decodes'),
    proxies: every('proxies'),
    limits: (first?.limits ?? []).filter(limit => all.every(({ limits }) => limits.includes(limit))),
    reserves: [...new Set(all.flatMap(({ reserves }) => reserves ?? []))],
  }
}

/** Adds up what pools hold, in all and by origin. */
export function sum(all: readonly PoolStats[]): PoolStats {
  const origins: Record<string, PoolNumbers> = {}
  for (const stats of all) {
    for (const [origin, numbers] of Object.entries(stats.origins))
      origins[origin] = plus(origins[origin] ?? NONE, numbers)
  }
  return { ...all.reduce<PoolNumbers>(plus, NONE), origins }
}

const NONE: PoolNumbers = { open: 0, idle: 0, busy: 0, queued: 0 }

function plus(a: PoolNumbers, b: PoolNumbers): PoolNumbers {
  return { open: a.open + b.open, idle: a.idle + b.idle, busy: a.busy + b.busy, queued: a.queued + b.queued }
}
