/** The engines that go through proxies by themselves, each in the ways it can be set up. */
import type { Engine, EngineFactory } from 'sluice'
import { http, type PoolOptions } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { afterEach, beforeEach, describe } from 'vitest'
import { certificates } from './certificates.ts'

interface Proxied {
  readonly name: string
  /** What it speaks with a server that leaves it the choice. */
  readonly speaks: '1.1' | '2'
  readonly make: (options: PoolOptions) => EngineFactory
}

const tls = { ca: certificates().ca }

const ENGINES: readonly Proxied[] = [
  { name: 'undici', speaks: '2', make: undici },
  { name: 'undici without http2', speaks: '1.1', make: options => undici({ ...options, http2: false }) },
  { name: 'http', speaks: '1.1', make: http },
  { name: 'http2', speaks: '2', make: http2 },
]

let make = ENGINES[0]?.make
const opened: Engine[] = []

/** Describes what is true of every one of them; inside, `open()` makes the one whose turn it is. */
export function describeEngines(title: string, tests: (engine: Proxied) => void): void {
  describe.each(ENGINES)(`$name: ${title}`, engine => {
    beforeEach(() => {
      make = engine.make
    })
    tests(engine)
  })
}

/** Makes an engine that trusts our authority, which is destroyed with the end of the test. */
export function open(options: PoolOptions = {}): Engine {
  const engine = (make as Proxied['make'])({ tls, ...options }).create()
  opened.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(engine => engine.destroy()))
})
