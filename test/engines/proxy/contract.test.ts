/** What every engine promises, it promises through a proxy too. */
import type { EngineFactory, HttpRequest, Route } from 'sluice'
import { ROUTE } from '../../../src/index.ts'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { engineContract, serve, type ContractOptions } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { scriptedProxy, scriptedSocks, type ScriptedProxy } from '../../support/scripted-proxy.ts'
import { send } from '../../support/send.ts'

const { ca, good } = certificates()
const tls = { ca }

/** Resolves when a number has not changed for a quarter of a second. */
async function standing(read: () => number): Promise<void> {
  for (let [last, since] = [-1, performance.now()]; performance.now() - since < 250;) {
    await new Promise(resolve => setTimeout(resolve, 10))
    if (read() !== last) [last, since] = [read(), performance.now()]
  }
}

/** The same engine, with everything it is given on this way. */
function routed(factory: EngineFactory, way: () => Route): EngineFactory {
  return {
    name: factory.name,
    create() {
      const engine = factory.create()
      return {
        name: engine.name,
        capabilities: engine.capabilities,
        exchange: (request: HttpRequest, observer) => engine.exchange(request.note(ROUTE, way()), observer),
        close: () => engine.close(),
        destroy: reason => engine.destroy(reason),
        stats: () => engine.stats?.() ?? { open: 0, idle: 0, busy: 0, queued: 0, origins: {} },
        watch: listener => engine.watch?.(listener) ?? (() => undefined),
      }
    },
  }
}

/** Promises about the way itself, which is another one here. */
const DIRECT: readonly (readonly [title: string, why: string])[] = [
  ['reports a refused connection as CONNECT', 'the proxy is what refuses, and PROXY: hostile.test.ts'],
  ['tells which connection served a request', 'it leads to the proxy: ../proxy.test.ts'],
  ['connects no longer than it may', '40 ms may be over before the server is reached at all: hostile.test.ts'],
  ['holds the source of a body back', 'the system keeps megabytes for each proxy: below'],
  ['stops the peer while nobody reads', 'the system keeps megabytes for each proxy: below'],
  ['stops a server whose WebSocket nobody reads', 'the system keeps megabytes for each proxy: below'],
]

const single = { tls, connectionsPerOrigin: 1 }

describe.each<[string, EngineFactory, ContractOptions]>([
  ['undici', undici({ tls }), { single: undici(single), protocol: 'http/1.1', tls: good }],
  ['undici over HTTP/2', undici({ tls }), { single: undici(single), protocol: 'h2', tls: good }],
  ['http', http({ tls }), { single: http(single), tls: good }],
  ['http2', http2({ tls }), { single: http2(single), tls: good }],
])('%s', (name, factory, options) => {
  let proxies: ScriptedProxy[] = []
  let route: Route = { hops: [], tunnel: true }
  beforeAll(async () => {
    proxies = [await scriptedProxy(undefined, { tls: good }), await scriptedSocks()]
    const [first, second] = proxies.map(proxy => proxy.hop({ tls })) as [Route['hops'][0], Route['hops'][0]]
    route = { hops: [first, second], tunnel: true }
  })
  afterAll(() => Promise.all(proxies.map(proxy => proxy[Symbol.asyncDispose]())))

  const way = (): Route => route
  const cases = engineContract(name, routed(factory, way), {
    ...options,
    single: routed(options.single as EngineFactory, way),
  })
  for (const one of cases) {
    if (one.excluded === undefined && !DIRECT.some(([title]) => one.title.includes(title)))
      it(one.title, () => one.run())
  }

  it('stops a server and a source that nobody waits for', async () => {
    const protocol = options.protocol === 'h2' || name === 'http2' ? 'h2' : 'http/1.1'
    await using server = await serve(
      {
        'GET /': { body: 'x'.repeat(200_000_000) },
        'POST /': { read: 'none', fault: { kind: 'stall', at: 'before-head' } },
      },
      { tls: good, protocol },
    )
    const engine = factory.create()
    const down = send(engine, server.url, {
      route,
      seen: event => {
        if (event.type === 'head') event.flow.pause()
      },
    })
    let produced = 0
    async function* body(): AsyncGenerator<Uint8Array> {
      for (; produced < 200_000_000; produced += 65_536) yield await Promise.resolve(new Uint8Array(65_536))
    }
    const up = send(engine, server.url, { route, method: 'POST', body: body() })
    await server.received(2)
    await standing(() => produced + (server.requests.find(({ method }) => method === 'GET')?.bytesOut ?? 0))
    expect(produced).toBeLessThan(100_000_000)
    expect(server.requests.find(({ method }) => method === 'GET')?.bytesOut).toBeLessThan(100_000_000)
    down.exchange.abort()
    up.exchange.abort()
    await engine.close()
  })
})
