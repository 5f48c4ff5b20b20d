import { firstValueFrom } from 'rxjs'
import { createClient } from 'sluice'
import type { TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RealServer } from '../servers/launch.ts'
import { by, origins, TRAVELLERS, urlOf, type Origins } from './roads.ts'
import { tap, type Overheard } from './tap.ts'
import { readHttp, readRecords, readSocks, type Transcript } from './transcript.ts'
import { hopOf, WAYS, type Way } from './ways.ts'

let servers: Origins

beforeAll(async () => {
  servers = await origins()
})

afterAll(() => Promise.all(Object.values<TestServer>({ ...servers }).map(server => server.close())))

const secured = TRAVELLERS.flatMap(traveller =>
  traveller.roads.filter(({ door }) => door === 'tls' || door === 'alpn').map(road => ({ traveller, road })),
)

/** Data of TLS, which is where requests are. */
const DATA = 23

describe.each(WAYS.filter(({ strict }) => strict !== true))('at the port of $name', way => {
  let proxies: readonly [RealServer, ...RealServer[]]

  beforeAll(async () => {
    proxies = await way.start()
  })

  afterAll(async () => {
    for (const proxy of proxies) await proxy.close()
  })

  it.each(secured)('$traveller.name on $road.name asks for a tunnel and then speaks TLS only', async trip => {
    await using ear = await tap(proxies[0].ports[0] ?? 0)
    const { traveller, road } = trip
    const target = `localhost:${servers[road.door].port}`
    const client = createClient({
      engine: traveller.engine(),
      baseUrl: urlOf(road, servers),
      plugins: [by({ hops: [hopOf(way, ear.port)], tunnel: false })],
    })
    const headers = { authorization: 'Bearer of-nobodys-business' }
    await firstValueFrom(client.post('echo', 'of-nobodys-business', { headers, query: { of: 'nobodys-business' } }))
    await firstValueFrom(client.get('small', { headers }))
    await client.close()
    await expect.poll(() => ear.connections.some(({ open }) => open), { interval: 2 }).toBe(false)
    const heard = ear.connections.map(connection => read(way, connection))
    // One connection carries it all. Others may have been for a challenge, and carry nothing.
    expect(heard.filter(({ sent }) => sent.records.includes(DATA))).toHaveLength(1)
    expect(heard.filter(({ received }) => received.records.includes(DATA))).toHaveLength(1)
    for (const { sent, received } of heard) {
      expect(sent.clear.map(spoken => judge(spoken, target))).toEqual(sent.clear.map(() => 'asks for the tunnel'))
      expect(sent.records.length > 0).toBe(received.records.length > 0)
    }
    const clear = heard.flatMap(({ sent }) => sent.clear)
    if (way.protocol === 'https') expect(clear).toEqual([])
    else expect(clear.length).toBeGreaterThan(0)
  })
})

function read(way: Way, { sent, received }: Overheard): { sent: Transcript; received: Transcript } {
  if (way.protocol === 'https') {
    return { sent: { clear: [], records: readRecords(sent) }, received: { clear: [], records: readRecords(received) } }
  }
  if (way.protocol === 'http') return { sent: readHttp(sent), received: readHttp(received) }
  const proven = way.credentials !== undefined
  const told = [methods, ...(proven ? [password] : []), request]
  const answered = [() => 2, ...(proven ? [() => 2] : []), () => 10]
  return { sent: readSocks(sent, told), received: readSocks(received, answered) }
}

/** How long the messages of SOCKS5 are; the last asks for a name. */
const methods = (bytes: Buffer): number => 2 + (bytes[1] ?? 0)
const password = (bytes: Buffer): number => {
  const user = bytes[1] ?? 0
  return 3 + user + (bytes[2 + user] ?? 0)
}
const request = (bytes: Buffer): number => 7 + (bytes[4] ?? 0)

/** Whether this is one of the things that may be said in the clear; if not, it is the answer. */
function judge(spoken: string, target: string): string {
  const connect = `CONNECT ${target} HTTP/1\\.1\r\nHost: ${target}(\r\nProxy-Authorization: (Basic|Digest) [^\r\n]+)?`
  // Greeting, password, and CONNECT to a name (kind 3).
  const socks = ['050100', '050200(02|..)', '0103616461.+', '05010003096c6f63616c686f7374....']
  const allowed = [connect, ...socks].some(pattern => new RegExp(`^(${pattern})$`, 'i').test(spoken))
  return allowed ? 'asks for the tunnel' : spoken
}
