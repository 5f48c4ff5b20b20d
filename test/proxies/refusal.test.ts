import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { firstValueFrom } from 'rxjs'
import {
  createClient,
  isHttpError,
  type HttpError,
  type ProxyChallenge,
  type ProxyCredentials,
  type Route,
} from 'sluice'
import type { TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RealServer } from '../servers/launch.ts'
import { MALLORY } from './credentials.ts'
import { by, origins, TRAVELLERS, urlOf, type Origins, type Road, type Traveller } from './roads.ts'
import { hopOf, WAYS } from './ways.ts'

let servers: Origins

beforeAll(async () => {
  servers = await origins()
})

afterAll(() => Promise.all(Object.values<TestServer>({ ...servers }).map(server => server.close())))

const trips = TRAVELLERS.flatMap(traveller => traveller.roads.map(road => ({ traveller, road })))

const open = WAYS.filter(({ strict }) => strict !== true)

describe.each(open.filter(({ credentials }) => credentials !== undefined))('$name, which wants a password', way => {
  let proxies: readonly [RealServer, ...RealServer[]]

  beforeAll(async () => {
    proxies = await way.start()
  })

  afterAll(async () => {
    for (const proxy of proxies) await proxy.close()
  })

  const hop = (credentials?: ProxyCredentials): Route['hops'][number] => ({
    ...hopOf(way, proxies[0].ports[0] ?? 0),
    credentials,
  })
  const status = way.protocol === 'socks5' ? undefined : 407

  it.each(trips)('lets nobody without one through: $traveller.name on $road.name', async ({ traveller, road }) => {
    const error = await refused(traveller, road, { hops: [hop()], tunnel: road.tunnel })
    expect([error.code, error.phase, error.response?.status]).toEqual(['PROXY', 'proxy', status])
    expect(error.requestWritten).toBe('no')
  })

  it.each(trips)('lets nobody with a wrong one through: $traveller.name on $road.name', async ({ traveller, road }) => {
    const route = { hops: [hop(MALLORY)], tunnel: road.tunnel }
    if (way.wrong !== undefined && road.door === 'plain' && !road.tunnel) {
      await using client = createClient({ engine: traveller.engine(), plugins: [by(route)] })
      expect((await firstValueFrom(client.get(`${urlOf(road, servers)}small`))).status).toBe(way.wrong)
      return
    }
    const error = await refused(traveller, road, route)
    expect([error.code, error.phase, error.response?.status]).toEqual(['PROXY', 'proxy', way.wrong ?? status])
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(MALLORY.password)
    expect(JSON.stringify(error)).not.toContain(MALLORY.password)
  })

  // SOCKS5 ends the connection in place of asking.
  it.each(status === undefined ? [] : trips)(
    'lets through who learns it when asked: $traveller.name on $road.name',
    async ({ traveller, road }) => {
      const asked: ProxyChallenge[] = []
      const ask = async (challenge: ProxyChallenge): Promise<ProxyCredentials | undefined> => {
        asked.push(challenge)
        return way.credentials
      }
      const route = { hops: [hop()], tunnel: road.tunnel, ask }
      await using client = createClient({
        engine: traveller.engine(),
        baseUrl: urlOf(road, servers),
        plugins: [by(route)],
      })
      for (let time = 0; time < 3; time++) expect((await firstValueFrom(client.get('small'))).text()).toBe('small')
      const { protocol, host, port } = hop()
      const proxy = `${protocol}://${host}:${port}`
      expect(asked).toMatchObject([{ proxy, schemes: [way.scheme], refused: false }])
    },
  )
})

describe.each(open)('$name, when nobody listens at the end of a tunnel', way => {
  it.each(TRAVELLERS)('$name is told so, and not as the answer of the server', async traveller => {
    const proxies = await way.start()
    try {
      const route = { hops: [hopOf(way, proxies[0].ports[0] ?? 0)], tunnel: true }
      const protocol = traveller.roads.some(({ door }) => door === 'tls') ? 'https' : 'http'
      await using client = createClient({ engine: traveller.engine(), plugins: [by(route)] })
      const error = await failure(client.get(`${protocol}://localhost:${await unused()}/`))
      expect([error.code, error.phase, error.requestWritten]).toEqual(['PROXY', 'proxy', 'no'])
      if (way.protocol === 'socks5') {
        expect(error.response).toBeUndefined()
        expect(error.message).toContain('SOCKS error 5')
      } else {
        expect(error.response?.status).toBeGreaterThanOrEqual(500)
        expect(error.response?.text()).toContain('<html')
      }
    } finally {
      for (const proxy of proxies) await proxy.close()
    }
  })
})

async function refused(traveller: Traveller, road: Road, route: Route): Promise<HttpError> {
  const before = servers[road.door].connections.length
  await using client = createClient({
    engine: traveller.engine(),
    baseUrl: urlOf(road, servers),
    plugins: [by(route)],
  })
  const error = await failure(client.get('small'))
  expect(servers[road.door].connections.length).toBe(before)
  return error
}

async function failure(call: Parameters<typeof firstValueFrom>[0]): Promise<HttpError> {
  const error = await firstValueFrom(call).catch((reason: unknown) => reason)
  if (!isHttpError(error)) throw new Error('it did not fail as it should', { cause: error })
  return error
}

/** A port where nobody listens. */
async function unused(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}
