import type { Engine } from 'sluice'
import { undici, type UndiciOptions } from 'sluice/engines/undici'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { sent } from '../../support/send.ts'

const { ca, good } = certificates()
const tls = { ca }

const engines: Engine[] = []

function open(options?: UndiciOptions): Engine {
  const engine = undici({ tls, ...options }).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

describe('the contract, over HTTP/2 by ALPN', () => {
  const cases = engineContract('undici', undici({ tls }), { protocol: 'h2', tls: good })
  for (const one of cases) if (one.excluded === undefined) it(one.title, () => one.run())
})

describe('a server that offers both protocols', () => {
  it('is spoken to over HTTP/2, on one connection from the first burst on', async () => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'auto', tls: good })
    const engine = open()
    const all = await Promise.all(Array.from({ length: 20 }, () => sent(engine, server.url)))
    expect(all.map(({ head }) => head?.httpVersion)).toEqual(Array<string>(20).fill('2'))
    expect(server.connections.length).toBe(1)
    expect(engine.capabilities.protocols).toEqual(['http/1.1', 'h2'])
  })

  it.each([
    ['with http2: false', { http2: false }],
    ['beside interceptors', { compose: [] }],
  ])('is spoken to over HTTP/1.1 %s', async (_, options) => {
    await using server = await serve({ 'GET /': reply.text('x') }, { protocol: 'auto', tls: good })
    const engine = open(options)
    expect((await sent(engine, server.url)).head?.httpVersion).toBe('1.1')
    expect(engine.capabilities.protocols).toEqual(['http/1.1'])
  })

  it('shares the limit on connections with all others', async () => {
    await using two = await serve({ 'GET /': reply.text('two') }, { protocol: 'h2', tls: good })
    await using one = await serve({ 'GET /': reply.text('one') })
    const engine = open({ connections: 1 })
    for (const [url, text] of [
      [two.url, 'two'],
      [one.url, 'one'],
      [two.url, 'two'],
    ] as const)
      expect((await sent(engine, url)).text).toBe(text)
    expect(engine.stats?.().open).toBe(1)
    await one.closed(1)
    await two.closed(1)
  })
})
