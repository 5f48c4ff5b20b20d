/** The engines on Node that speak HTTP/1.1 and share pool and connector: what is true of one is true of all. */
import type { Engine, EngineFactory } from 'sluice'
import { http, type PoolOptions } from 'sluice/engines/http'
import { undici } from 'sluice/engines/undici'
import { afterEach, beforeEach, describe } from 'vitest'

/** The options they have in common. */
export type Options = PoolOptions

const ENGINES: readonly { readonly name: string; readonly make: (options?: Options) => EngineFactory }[] = [
  { name: 'undici', make: undici },
  { name: 'http', make: http },
]

let make: (options?: Options) => EngineFactory = undici
const opened: Engine[] = []

/** Describes what is true of every one of them; inside, `open()` makes the one whose turn it is. */
export function describeEach(title: string, tests: (name: string) => void): void {
  describe.each(ENGINES)(`$name: ${title}`, ({ name, make: its }) => {
    beforeEach(() => {
      make = its
    })
    tests(name)
  })
}

/** Makes an engine, which is destroyed with the end of the test. */
export function open(options?: Options): Engine {
  const engine = make(options).create()
  opened.push(engine)
  return engine
}

/** Destroys what was opened, before the end of a test if one asks for it. */
export async function destroyAll(): Promise<void> {
  await Promise.all(opened.splice(0).map(engine => engine.destroy()))
}

afterEach(destroyAll)
