/** The contract every engine is held to, as cases for any test runner. */
import type { EngineFactory } from '../src/engine.ts'
import { createClient } from '../src/main.ts'
import { OwnWorkbench, type Case } from './contract/case.ts'
import { ending } from './contract/ending.ts'
import { receiving } from './contract/receiving.ts'
import { sending } from './contract/sending.ts'

/** One promise of the contract. */
export interface ContractCase {
  /** A sentence: the engine's name and what it does. */
  readonly title: string
  /** Why the case says nothing about this engine, if so. */
  readonly excluded: string | undefined
  /** Resolves when the promise was kept; rejects with an `AssertionError` when not. */
  run(): Promise<void>
}

/** What the contract cannot find out by itself. */
export interface ContractOptions {
  /** Makes the engine with one connection per origin; without it the cases about waiting in a queue are excluded. */
  readonly single?: EngineFactory
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
 * // With a test runner: for (const { title, excluded, run } of cases) it.skipIf(excluded)(title, run)
 * ```
 */
export function engineContract(
  name: string,
  factory: EngineFactory,
  { single }: ContractOptions = {},
): readonly ContractCase[] {
  const probe = factory.create()
  const { capabilities } = probe
  void probe.destroy()
  const reason = ({ needs = [], unless = [] }: Case): string | undefined => {
    const reserved = unless.find(one => capabilities.reserves?.includes(one))
    if (reserved !== undefined) return `${name} declares that its platform reserves ${reserved} to itself`
    const missing = needs.find(need => (need === 'single' ? single === undefined : !capabilities[need]))
    if (missing === undefined) return undefined
    return missing === 'single'
      ? 'no engine with a single connection was given'
      : `${name} declares that it has no ${missing}`
  }
  return [...sending, ...receiving, ...ending].map(one => ({
    title: `${name} ${one.title}`,
    excluded: reason(one),
    async run() {
      const bench = new OwnWorkbench(factory, single, (engine, baseUrl) =>
        createClient({ engine, baseUrl, plugins: [] }),
      )
      try {
        await one.run(bench)
      } finally {
        await bench.clear()
      }
    },
  }))
}
