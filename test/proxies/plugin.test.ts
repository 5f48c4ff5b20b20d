import { firstValueFrom } from 'rxjs'
import { createClient } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { proxy } from 'sluice/plugins/proxy'
import { redirect } from 'sluice/plugins/redirect'
import { reply, serve, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RealServer } from '../servers/launch.ts'
import { certificates } from '../support/certificates.ts'
import { origins, type Origins } from './roads.ts'
import { tap } from './tap.ts'
import { WAYS } from './ways.ts'

const { ca, good } = certificates()

let servers: Origins

beforeAll(async () => {
  servers = await origins()
})

afterAll(() => Promise.all(Object.values<TestServer>({ ...servers }).map(server => server.close())))

// Who writes `proxy: 'http://user:password@host:port'`, or has it in the environment, needs to know no more than that.
describe.each(WAYS.filter(({ strict }) => strict !== true))('the url of $name', way => {
  let proxies: readonly [RealServer, ...RealServer[]]

  beforeAll(async () => {
    proxies = await way.start()
  })

  afterAll(async () => {
    for (const server of proxies) await server.close()
  })

  const urlOf = (port: number): string => {
    const { username = '', password = '' } = way.credentials ?? {}
    const user = username === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`
    return `${way.protocol}://${user}127.0.0.1:${port}`
  }

  it.each(['plain', 'tls', 'alpn'] as const)('is enough, in a call and in the environment: %s', async door => {
    await using ear = await tap(proxies[0].ports[0] ?? 0)
    await using client = createClient({
      engine: undici({ tls: { ca } }),
      baseUrl: `${door === 'plain' ? 'http' : 'https'}://localhost:${servers[door].port}/`,
      plugins: [proxy({ env: { all_proxy: urlOf(ear.port) }, loopback: true, tls: { ca } })],
    })
    expect((await firstValueFrom(client.get('small', { proxy: false }))).text()).toBe('small')
    expect(ear.connections).toHaveLength(0)
    const called = await firstValueFrom(client.get('small', { proxy: urlOf(ear.port) }))
    const found = await firstValueFrom(client.get('small'))
    expect([called.text(), found.text()]).toEqual(['small', 'small'])
    // The way is the same, and so is the connection, if the proxy keeps it.
    expect(found.connection?.id === called.connection?.id).toBe(way.hangsUp !== true || door !== 'plain')
    expect(ear.connections.length).toBeGreaterThan(0)
    expect(JSON.stringify(client.explain())).not.toContain('s:ecr')
  })
})

describe('a hop of a redirect', () => {
  it('is decided on again, and goes by another proxy', async () => {
    const to = `https://localhost:${servers.tls.port}/small`
    await using away = await serve({ 'GET /': reply.redirect(to) }, { tls: good })
    const [first, second] = ['squid', 'tinyproxy'].map(name => WAYS.find(way => way.name === name))
    const proxies = [...((await first?.start()) ?? []), ...((await second?.start()) ?? [])]
    try {
      await using one = await tap(proxies[0]?.ports[0] ?? 0)
      await using two = await tap(proxies[1]?.ports[0] ?? 0)
      const { username = '', password = '' } = second?.credentials ?? {}
      await using client = createClient({
        engine: undici({ tls: { ca } }),
        plugins: [
          redirect(),
          proxy({
            loopback: true,
            rules: {
              [`localhost:${away.port}`]: `http://127.0.0.1:${one.port}`,
              [`localhost:${servers.tls.port}`]: `http://${username}:${password}@127.0.0.1:${two.port}`,
            },
          }),
        ],
      })
      const response = await firstValueFrom(client.get(`https://localhost:${away.port}/`))
      expect([response.url, response.text()]).toEqual([to, 'small'])
      const heard = [one, two].map(ear => ear.connections.map(({ sent }) => sent.toString('latin1')).join(''))
      expect(heard.map(text => /^CONNECT \S+/.exec(text)?.[0])).toEqual([
        `CONNECT localhost:${away.port}`,
        `CONNECT localhost:${servers.tls.port}`,
      ])
      expect(heard.map(text => text.includes('Proxy-Authorization'))).toEqual([false, true])
    } finally {
      for (const server of proxies) await server.close()
    }
  })
})
