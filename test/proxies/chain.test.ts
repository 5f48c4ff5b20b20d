import { firstValueFrom } from 'rxjs'
import { createClient } from 'sluice'
import type { TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RealServer } from '../servers/launch.ts'
import { by, origins, TRAVELLERS, urlOf, type Origins } from './roads.ts'
import { tap } from './tap.ts'
import { hopOf, WAYS, type Way } from './ways.ts'

let servers: Origins

beforeAll(async () => {
  servers = await origins()
})

afterAll(() => Promise.all(Object.values<TestServer>({ ...servers }).map(server => server.close())))

const way = (name: string): Way => {
  const found = WAYS.find(known => known.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

const CHAINS = [
  ['squid with Basic', 'dante with a password'],
  ['dante with a password', 'squid with Digest'],
  ['haproxy before squid', 'nghttpx before squid'],
  ['tinyproxy', 'haproxy before squid'],
] as const

const trips = TRAVELLERS.flatMap(traveller => traveller.roads.map(road => ({ traveller, road })))

describe.each(CHAINS)('through %s to %s', (...names) => {
  const ways = names.map(way)
  let proxies: (readonly [RealServer, ...RealServer[]])[] = []

  beforeAll(async () => {
    proxies = []
    for (const { start } of ways) proxies.push(await start())
  })

  afterAll(async () => {
    for (const proxy of proxies.flat()) await proxy.close()
  })

  it.each(trips)('$traveller.name on $road.name', async ({ traveller, road }) => {
    const ports = proxies.map(([first]) => first.ports[0] ?? 0)
    await using first = await tap(ports[0] ?? 0)
    await using second = await tap(ports[1] ?? 0)
    const hops = [first, second].map(({ port }, at) => hopOf(ways[at] ?? way('squid'), port))
    const client = createClient({
      engine: traveller.engine(),
      baseUrl: urlOf(road, servers),
      plugins: [by({ hops, tunnel: road.tunnel })],
    })
    const before = servers[road.door].connections.length
    for (let time = 0; time < 3; time++) expect((await firstValueFrom(client.get('small'))).text()).toBe('small')
    await client.close()
    expect(servers[road.door].connections.length - before).toBe(1)
    // The first proxy connected us to the second, and was not told what is for the second.
    expect(second.connections.length).toBeGreaterThan(0)
    expect(first.connections.length).toBeGreaterThanOrEqual(second.connections.length)
    const heard = Buffer.concat(first.connections.map(({ sent }) => sent)).toString('latin1')
    if (hops[0]?.protocol === 'http') expect(heard).toContain(`CONNECT 127.0.0.1:${second.port} HTTP/1.1`)
  })
})
