/** The contract every engine is held to, as cases for any test runner. */
import type { Client } from '../src/client.ts'
import type { Capabilities, EngineFactory } from '../src/engine.ts'
import { createClient } from '../src/main.ts'
import { breaking } from './contract/breaking.ts'
import { OwnWorkbench, type Case, type Identity, type Need, type Spoken } from './contract/case.ts'
import { connecting } from './contract/connecting.ts'
import { ending } from './contract/ending.ts'
import { leaving } from './contract/leaving.ts'
import { multiplexing } from './contract/multiplexing.ts'
import { receiving } from './contract/receiving.ts'
import { sending } from './contract/sending.ts'
import { webSockets } from './contract/web-socket.ts'

/** One promise of the contract. */
export interface ContractCase {
  /** A sentence: the engine's name and what it does. */
  readonly title: string
  /** Why the case says nothing about this engine, if so. */
  readonly excluded: string | undefined
  /** Resolves when the promise was kept; rejects with an `AssertionError` when not, and after 8 s of waiting. */
  run(): Promise<void>
}

/** What the contract cannot find out by itself. */
export interface ContractOptions {
  /** Makes the engine with one connection per origin; without it the cases about waiting in a queue are excluded. */
  readonly single?: EngineFactory
  /** What the servers of the cases speak. Default: the protocol the engine prefers. */
  readonly protocol?: Spoken
  /** Key and certificate of the servers, which the engines given must trust for 127.0.0.1. Needed for `h2`; default: no TLS. */
  readonly tls?: Identity
}

/**
 * Gives the promises every engine has to keep as cases for your test runner. Cases about something the engine declares
 * it cannot do come with the reason in `excluded`.
 *
 * @example
 * ```ts
 * import { engineContract } from 'sluice/testing'
 * import { undici } from 'sluice/engines/undici'
 *
 * const cases = engineContract('undici', undici(), { single: undici({ connectionsPerOrigin: 1 }) })
 * for (const { excluded, run } of cases.slice(0, 3)) if (excluded === undefined) await run()
 * // With a test runner: for (const { title, excluded, run } of cases) if (excluded === undefined) it(title, run)
 * ```
 */
export function engineContract(
  name: string,
  factory: EngineFactory,
  options: ContractOptions = {},
): readonly ContractCase[] {
  const probe = factory.create()
  const { capabilities } = probe
  void probe.destroy()
  const { single, tls, protocol = preferred(capabilities) } = options
  if (protocol === 'h2' && tls === undefined) {
    throw new TypeError(
      'the contract of an engine that speaks h2 needs tls: { key, cert }, which the engine must trust',
    )
  }
  const create = (engine: EngineFactory, baseUrl: string): Client => createClient({ engine, baseUrl, plugins: [] })
  return [
    ...sending,
    ...receiving,
    ...breaking,
    ...connecting,
    ...multiplexing,
    ...leaving,
    ...ending,
    ...webSockets,
  ].map(one => ({
    title: `${name} ${one.title}`,
    excluded: exclusion(one, { name, capabilities, protocol, single: single !== undefined }),
    async run() {
      const bench = new OwnWorkbench({ factory, single, protocol, tls, create })
      try {
        await within(PATIENCE, one.run(bench), `${name} has not done after ${PATIENCE} ms what the case waits for`)
      } finally {
        await bench.clear()
      }
    },
  }))
}

/** How long a case may take, in milliseconds. One that waits for ever must say so, and leave nothing open. */
const PATIENCE = 8000

async function within(ms: number, work: Promise<void>, why: string): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(why))
  }, ms)
  try {
    await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function preferred({ protocols }: Capabilities): Spoken {
  const [first] = protocols
  return first === 'h2' || first === 'h2c' ? first : 'http/1.1'
}

interface Held {
  readonly name: string
  readonly capabilities: Capabilities
  readonly protocol: Spoken
  readonly single: boolean
}

/** Why a case says nothing about this engine. */
function exclusion({ needs = [], unless = [] }: Case, held: Held): string | undefined {
  const { name, capabilities } = held
  const reserved = unless.find(one => capabilities.reserves?.includes(one))
  if (reserved !== undefined) return `${name} declares that its platform reserves ${reserved} to itself`
  if (held.protocol === 'http/1.1' && needs.includes('streamingUpload') && capabilities.reserves?.includes('uploads'))
    return `${name} declares that its platform sends a body while it is produced over HTTP/2 only`
  const missing = needs.find(need => !has(need, held))
  if (missing === undefined) return undefined
  if (missing === 'single') return 'no engine with a single connection was given'
  if (missing === 'http/1.1' || missing === 'http/2')
    return `the servers speak ${held.protocol}, and this is about ${missing}`
  if (missing === 'tls') return 'the servers speak without TLS by prior knowledge'
  return `${name} declares that it has no ${missing}`
}

function has(need: Need, { capabilities, protocol, single }: Held): boolean {
  if (need === 'single') return single
  if (need === 'http/1.1') return protocol === 'http/1.1'
  if (need === 'http/2') return protocol !== 'http/1.1'
  if (need === 'tls') return protocol !== 'h2c'
  if (isLimit(need)) return capabilities.limits.some(limit => need === `limit ${limit}`)
  return capabilities[need]
}

function isLimit(need: Need): need is Extract<Need, `limit ${string}`> {
  return need.startsWith('limit ')
}
