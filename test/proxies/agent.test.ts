import { HttpsProxyAgent } from 'hpagent'
import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Client } from 'sluice'
import { http } from 'sluice/engines/http'
import type { TestServer } from 'sluice/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { app, Made } from '../servers/app.ts'
import type { RealServer } from '../servers/launch.ts'
import { certificates } from '../support/certificates.ts'
import { tap, type Tap } from './tap.ts'
import { WAYS } from './ways.ts'

const { ca, good } = certificates()

let servers: Readonly<Record<'plain' | 'tls', TestServer>>

beforeAll(async () => {
  servers = { plain: await app(), tls: await app({ tls: good }) }
})

afterAll(() => Promise.all(Object.values(servers).map(server => server.close())))

// hpagent speaks no SOCKS.
describe.each(WAYS.filter(({ protocol }) => protocol !== 'socks5'))('an agent of hpagent through $name', way => {
  let proxies: readonly [RealServer, ...RealServer[]]
  let ear: Tap

  beforeAll(async () => {
    proxies = await way.start()
  })

  afterAll(async () => {
    for (const proxy of proxies) await proxy.close()
  })

  beforeEach(async () => {
    ear = await tap(proxies[0].ports[0] ?? 0)
  })

  afterEach(() => ear[Symbol.asyncDispose]())

  describe.each(['plain', 'tls'] as const)('to a server: %s', door => {
    let client: Client

    beforeEach(() => {
      const { username = '', password = '' } = way.credentials ?? {}
      const user = username === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`
      const proxy = `${way.protocol}://${user}127.0.0.1:${ear.port}`
      client = createClient({
        engine: http({ agent: new HttpsProxyAgent({ proxy, proxyRequestOptions: { ca: [ca] } }), tls: { ca } }),
        baseUrl: `${door === 'plain' ? 'http' : 'https'}://localhost:${servers[door].port}/`,
      })
    })

    afterEach(() => client.close())

    // Debian's squid lets tunnels through to port 443 only, and hpagent knows no answer to Digest.
    const refused = door === 'plain' ? undefined : way.strict === true ? 403 : way.scheme === 'digest' ? 407 : undefined
    if (refused !== undefined) {
      it(`has to take ${refused} for an answer`, async () => {
        const error: unknown = await firstValueFrom(client.get('small')).catch((reason: unknown) => reason)
        if (!isHttpError(error)) throw error
        expect(error).toMatchObject({ code: 'PROXY', phase: 'proxy', response: { status: refused } })
        expect(error.response?.bytes.length).toBeGreaterThan(0)
        await expect.poll(() => opened(ear), { interval: 2 }).toBe(0)
      })
      return
    }

    it('five requests', async () => {
      const ids = new Set<unknown>()
      for (let time = 0; time < 5; time++) {
        const response = await firstValueFrom(client.get('small'))
        expect(response.text()).toBe('small')
        ids.add(response.connection?.id)
      }
      if (door === 'tls') expect(ids.size).toBe(1)
      const arrived = Object.keys(servers[door].requests.at(-1)?.headers ?? {})
      expect(arrived.filter(field => field.startsWith('proxy-'))).toEqual([])
      await client.close()
      const said = ear.connections.map(({ sent }) => sent.toString('latin1')).join('')
      if (way.protocol === 'http') expect(said.split('CONNECT ').length - 1).toBe(door === 'tls' ? 1 : 0)
    })

    it('a streamed upload', async () => {
      // Where the proxy asks for Digest it is begun twice.
      let made = new Made(32)
      const response = await firstValueFrom(client.post('count', () => (made = new Made(32)).pieces()))
      expect(response.json()).toEqual({ length: 32 * 65_536, hash: made.hash })
    })

    it('one that is left in the middle of its answer', async () => {
      const before = servers[door].requests.length
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
      await servers[door].until(({ requests }) => requests[before]?.brokenAt !== undefined)
      await expect.poll(() => opened(ear), { interval: 2 }).toBe(0)
      expect((await firstValueFrom(client.get('small'))).text()).toBe('small')
    })
  })
})

function opened(ear: Tap): number {
  return ear.connections.filter(({ open }) => open).length
}
