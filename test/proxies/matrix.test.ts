import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client } from 'sluice'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Made } from '../servers/app.ts'
import type { RealServer } from '../servers/launch.ts'
import {
  by,
  ERRANDS,
  impossible,
  origins,
  TRAVELLERS,
  urlOf,
  type Impossible,
  type Origins,
  type Road,
  type Traveller,
} from './roads.ts'
import { tap, type Tap } from './tap.ts'
import { connectsIn } from './transcript.ts'
import { hopOf, WAYS, type Way } from './ways.ts'

const roads = TRAVELLERS.flatMap(traveller => traveller.roads.map(road => ({ traveller, road })))

let servers: Origins

beforeAll(async () => {
  servers = await origins()
})

afterAll(() => Promise.all(Object.values<TestServer>({ ...servers }).map(server => server.close())))

describe.each(WAYS)('through $name', way => {
  let proxies: readonly [RealServer, ...RealServer[]]

  beforeAll(async () => {
    proxies = await way.start()
  })

  afterAll(async () => {
    for (const proxy of proxies) await proxy.close()
  })

  describe.each(roads)('$traveller.name on $road.name', ({ traveller, road }) => {
    let ear: Tap
    let client: Client

    beforeEach(async () => {
      ear = await tap(proxies[0].ports[0] ?? 0)
      const route = { hops: [hopOf(way, ear.port)], tunnel: road.tunnel }
      client = createClient({
        engine: traveller.engine(),
        baseUrl: urlOf(road, servers),
        plugins: [by(route)],
      })
    })

    afterEach(async () => {
      await client.close()
      await ear[Symbol.asyncDispose]()
    })

    for (const errand of ERRANDS) {
      const declared = impossible(traveller, way, road, errand)
      const name = declared === undefined ? errand : `no ${errand}: ${declared.reason}`
      it(name, async () => {
        const trip: Trip = { client, ear, way, road, traveller, proxies }
        await (declared === undefined ? RUN[errand](trip) : runInstead(declared, trip))
        // All of it would work without a proxy too.
        expect(ear.connections.length).toBeGreaterThan(0)
      })
    }
  })
})

interface Trip {
  readonly client: Client
  readonly ear: Tap
  readonly way: Way
  readonly road: Road
  readonly traveller: Traveller
  readonly proxies: readonly RealServer[]
}

const RUN: Readonly<Record<(typeof ERRANDS)[number], (trip: Trip) => Promise<void>>> = {
  GET: async ({ client, way, road }) => {
    const response = await firstValueFrom(client.get('small'))
    expect([response.status, response.text()]).toEqual([200, 'small'])
    // A challenge that is not for a tunnel is answered on the connection it came on.
    const reused = way.scheme === 'digest' && !tunnelled(way, road)
    expect(response.connection).toMatchObject({ protocol: road.protocol, reused })
    // What was meant for the proxy does not come out behind it.
    const arrived = servers[road.door].requests.at(-1)
    expect(arrived?.target).toBe('/small')
    expect(Object.keys(arrived?.headers ?? {}).filter(field => field.startsWith('proxy-'))).toEqual([])
  },

  'streamed upload': ({ client }) => upload(client, 32),

  // On its way before a proxy can say anything.
  'small streamed upload': ({ client }) => upload(client, 1),

  'cancelled mid-body': async ({ client, ear, road }) => {
    const server = servers[road.door]
    const before = server.requests.length
    await leaveMidBody(client)
    await server.until(({ requests }) => requests.length === before + 1 && requests.at(-1)?.brokenAt !== undefined)
    // HTTP/2 leaves a stream, HTTP/1.1 the connection.
    if (road.protocol === 'http/1.1') await expect.poll(() => opened(ear), { interval: 2 }).toBe(0)
    expect((await firstValueFrom(client.get('small'))).text()).toBe('small')
  },

  'keep-alive': async ({ client, ear, way, road, proxies }) => {
    const server = servers[road.door]
    const before = server.connections.length
    const ids = await five(client)
    expect(new Set(ids).size).toBe(1)
    expect(opened(ear)).toBe(1)
    // Who answers a challenge may need a connection more.
    if (way.scheme !== 'digest') expect(ear.connections).toHaveLength(1)
    if (!tunnelled(way, road)) return
    expect(server.connections.length - before).toBe(1)
    await client.close()
    if (way.protocol === 'http') expect(connectsIn(ear.connections)).toMatchObject({ opened: 1 })
    if (way.scheme !== 'digest' && way.protocol === 'http')
      expect(connectsIn(ear.connections)).toMatchObject({ asked: 1 })
    if (way.protocol === 'https') await expect.poll(() => tunnelsFrom(server.connections.at(-1)?.port, proxies)).toBe(1)
  },
}

async function runInstead({ instead }: Impossible, trip: Trip): Promise<void> {
  const { client, ear } = trip
  if ('protocol' in instead) {
    expect((await firstValueFrom(client.get('small'))).connection?.protocol).toBe(instead.protocol)
  } else if ('code' in instead) {
    const error = await firstValueFrom(client.get('small')).catch((reason: unknown) => reason)
    if (!isHttpError(error)) throw error
    expect([error.code, error.phase, error.response?.status]).toEqual([instead.code, 'proxy', instead.status])
    await expect.poll(() => opened(ear), { interval: 2 }).toBe(0)
  } else {
    await five(client)
    expect(ear.connections).toHaveLength(instead.connections)
  }
}

/** Sends five requests one after the other, and answers with the connections they went over. */
async function five(client: Client): Promise<(string | number | undefined)[]> {
  const ids: (string | number | undefined)[] = []
  for (let time = 0; time < 5; time++) {
    const response = await firstValueFrom(client.get('small'))
    expect(response.text()).toBe('small')
    ids.push(response.connection?.id)
  }
  return ids
}

/** Sends pieces of 64 KiB, which a proxy may want to have again when it was told who sends them. */
async function upload(client: Client, pieces: number): Promise<void> {
  const sent: Made[] = []
  const response = await firstValueFrom(
    client.post('count', () => {
      const made = new Made(pieces)
      sent.push(made)
      return made.pieces()
    }),
  )
  expect(response.json()).toEqual({ length: pieces * 65_536, hash: sent.at(-1)?.hash })
  expect(sent.map(({ ended }) => ended)).toEqual(sent.map(() => 1))
}

/** Begins to read what does not end, and leaves. */
async function leaveMidBody(client: Client): Promise<void> {
  const began = Promise.withResolvers<undefined>()
  const subscription = client
    .stream('endless', async response => {
      for (let read = 0; read < 200_000;) read += (await response.read())?.length ?? 0
      began.resolve(undefined)
      await new Promise(() => undefined)
    })
    .subscribe({ error: began.reject })
  await began.promise
  subscription.unsubscribe()
}

function opened(ear: Tap): number {
  return ear.connections.filter(({ open }) => open).length
}

function tunnelled(way: Way, road: Road): boolean {
  return road.tunnel || road.door !== 'plain' || way.protocol === 'socks5'
}

/** How many tunnels the squid behind another proxy has opened from this port of its own; it tells when they end. */
async function tunnelsFrom(port: number | undefined, [, squid]: readonly RealServer[]): Promise<number> {
  const log = (await squid?.read('access.log')) ?? ''
  return log.split('\n').filter(line => line.startsWith('200 CONNECT ') && line.endsWith(` ${port}`)).length
}
