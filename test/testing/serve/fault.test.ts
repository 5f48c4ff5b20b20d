import { describe, expect, it } from 'vitest'
import { reply, serve, serveSequence, type Fault, type FaultPlace, type TestServer } from '../../../testing/serve.ts'
import { certificates } from '../../support/certificates.ts'
import { rawClient, type RawClient } from '../../support/raw-client.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'
const BODY = '0123456789'
const POST = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n'

/** What has gone out before a fault strikes, by its place. */
const OUT: readonly (readonly [place: FaultPlace, bytes: number | undefined, out: string])[] = [
  ['accept', undefined, ''],
  ['head-of-request', undefined, ''],
  ['body-of-request', undefined, ''],
  ['body-of-request', 4, ''],
  ['before-head', undefined, ''],
  ['mid-head', undefined, HEAD.slice(0, HEAD.length / 2)],
  ['mid-head', 1, 'H'],
  ['after-head', undefined, HEAD],
  ['mid-body', undefined, HEAD + BODY.slice(0, 5)],
  ['mid-body', 0, HEAD],
  ['mid-body', 1, HEAD + BODY.slice(0, 1)],
  ['mid-body', 10, HEAD + BODY],
  ['after-body', undefined, HEAD + BODY],
]

const layers = [
  ['plain', {}, undefined],
  ['TLS', { tls: certificates().good }, { ca: certificates().ca, servername: 'localhost' }],
] as const

describe.each(layers)('over %s', (layer, options, secure) => {
  /** A server whose first request meets the fault, and a client that has sent it. */
  async function meet(fault: Fault): Promise<{ server: TestServer; client: RawClient } & AsyncDisposable> {
    const server = await serveSequence([{ body: BODY, fault }], options)
    // Under TLS nobody gets through the handshake when the fault comes before it.
    const client = await rawClient(server.url, fault.at === 'accept' ? undefined : secure)
    client.send(POST)
    client.send('abcdef')
    const close = async (): Promise<void> => {
      client.close()
      await server.close()
    }
    return { server, client, [Symbol.asyncDispose]: close }
  }

  it.each(OUT)('resets at %s (%s)', async (at, bytes, out) => {
    await using met = await meet({ kind: 'reset', at, ...(bytes === undefined ? {} : { bytes }) })
    expect(await met.client.ended).toBe('reset')
    expect(met.client.text).toBe(out)
    expect(await met.server.closed()).toMatchObject({ closedBy: 'server', bytesOut: out.length })
    expect(met.server.requests.every(({ answered }) => !answered)).toBe(true)
  })

  it.each(OUT)('sends FIN at %s (%s)', async (at, bytes, out) => {
    await using met = await meet({ kind: 'fin', at, ...(bytes === undefined ? {} : { bytes }) })
    expect(await met.client.ended).toBe('fin')
    expect(met.client.text).toBe(out)
    expect(met.server.open).toBe(1)
    met.client.close()
    expect(await met.server.closed()).toMatchObject({ closedBy: 'server', bytesOut: out.length })
  })

  it.each(OUT)('stalls at %s (%s), and sees the client leave', async (at, bytes, out) => {
    await using met = await meet({ kind: 'stall', at, ...(bytes === undefined ? {} : { bytes }) })
    if (at === 'body-of-request') {
      await met.server.until(({ connections }) => connections[0]?.reading === false)
      expect(met.server.requests[0]).toMatchObject({ bodyBytes: bytes ?? 0, complete: false })
    } else {
      await met.server.until(({ connections }) => connections[0]?.bytesOut === out.length && connections[0].bytesIn > 0)
    }
    if (out !== '') expect(await met.client.until(out)).toBe(out)
    expect(met.server.open).toBe(1)
    met.client.close()
    met.server.resume()
    expect(await met.server.closed()).toMatchObject({ closedBy: 'client-fin', bytesOut: out.length })
  })

  it('tells a client that leaves with RST', async () => {
    await using met = await meet({ kind: 'stall', at: 'after-head' })
    await met.client.until(HEAD)
    met.client.reset()
    expect(await met.server.closed()).toMatchObject({ closedBy: 'client-reset' })
  })

  it.each([
    ['before-head', undefined, ''],
    ['mid-head', 20, HEAD.slice(0, 20)],
    ['after-head', undefined, HEAD],
    ['mid-body', 0, HEAD],
    ['mid-body', 7, HEAD + BODY.slice(0, 7)],
  ] as const)('drips byte by byte from %s (%s) on', async (at, bytes, out) => {
    await using met = await meet({ kind: 'drip', at, every: 1, ...(bytes === undefined ? {} : { bytes }) })
    const steps: number[] = []
    await met.server.until(({ connections }) => {
      const sent = connections[0]?.bytesOut ?? 0
      if (sent !== steps.at(-1)) steps.push(sent)
      return sent === HEAD.length + BODY.length
    })
    const dripped = Array.from({ length: HEAD.length + BODY.length - out.length }, (_, at) => out.length + 1 + at)
    expect(steps.slice(-dripped.length)).toEqual(dripped)
    expect(steps.filter(sent => sent > 0 && sent < out.length).length).toBeLessThan(2)
    expect(await met.client.until(BODY)).toBe(HEAD + BODY)
  })
})

describe('a fault', () => {
  it('counts the bytes of a chunked body without its framing', async () => {
    const chunked = { body: BODY, framing: 'chunked' } as const
    await using server = await serve({
      '/inside': { ...chunked, fault: { kind: 'fin', at: 'mid-body', bytes: 3 } },
      '/end-of-chunk': { ...chunked, fault: { kind: 'fin', at: 'mid-body', bytes: 10 } },
      '/pieces': reply.chunks(['abcd', 'efgh', 'ijkl'], { fault: { kind: 'fin', at: 'mid-body', bytes: 6 } }),
      '/unknown-length': reply.chunks(['abcd', 'efgh'], { fault: { kind: 'fin', at: 'mid-body' } }),
      '/drip': { ...chunked, fault: { kind: 'drip', at: 'mid-body', bytes: 0, every: 0 }, close: true },
    })
    const bodyOf = async (path: string): Promise<string | undefined> => {
      using client = await rawClient(server.url)
      client.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      await client.ended
      return client.text.split('\r\n\r\n').slice(1).join('\r\n\r\n')
    }
    expect(await bodyOf('/inside')).toBe('a\r\n012')
    expect(await bodyOf('/end-of-chunk')).toBe('a\r\n0123456789')
    expect(await bodyOf('/pieces')).toBe('4\r\nabcd\r\n4\r\nef')
    expect(await bodyOf('/unknown-length')).toBe('4\r\nab')
    expect(await bodyOf('/drip')).toBe('a\r\n0123456789\r\n0\r\n\r\n')
  })

  it('strikes at the end of a body that is shorter than it says', async () => {
    await using server = await serve({ '/': { body: BODY, fault: { kind: 'fin', at: 'mid-body', bytes: 99 } } })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await client.ended).toBe('fin')
    expect(client.text).toBe(HEAD + BODY)
    expect(server.requests[0]?.answered).toBe(false)
  })

  it('strikes in raw bytes', async () => {
    await using server = await serve({
      '/': reply.raw('HTTP/1.1 200 OK\r\n', { fault: { kind: 'reset', at: 'mid-body', bytes: 4 } }),
    })
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await client.ended).toBe('reset')
    expect(client.text).toBe('HTTP')
  })

  it('comes after an earlier answer on the same connection', async () => {
    await using server = await serveSequence([{ body: 'ok' }, { fault: { kind: 'reset', at: 'head-of-request' } }])
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('ok')
    client.send('G')
    expect(await client.ended).toBe('reset')
    expect(server.connections).toMatchObject([{ requests: 1 }])
    expect(server.remaining).toBe(0)
  })

  it('strikes connections by their number', async () => {
    await using server = await serve(
      { '/': { body: 'ok' } },
      { onConnection: id => (id === 1 ? { kind: 'reset', at: 'accept' } : undefined) },
    )
    using first = await rawClient(server.url)
    expect(await first.ended).toBe('reset')
    expect(await (await fetch(server.url)).text()).toBe('ok')
  })

  it('at accept says so when the client uses the connection it has', async () => {
    await using server = await serveSequence([{ body: 'ok' }, { fault: { kind: 'reset', at: 'accept' } }])
    using client = await rawClient(server.url)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('ok')
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('reply 2 waits for a new connection, and the client used an old one')
    expect(server.errors).toHaveLength(1)
  })

  it('is refused where it could not strike', async () => {
    const refused = (fault: object, more: object = {}): Promise<unknown> =>
      serve({ '/': { fault: fault as Fault, ...more } })
    await expect(refused({ kind: 'reset', at: 'accept' })).rejects.toThrow(
      "route '/': a reply cannot have a fault at 'accept'; it can at body-of-request, before-head, mid-head, after-head, mid-body, after-body. Use the option onConnection or serveSequence()",
    )
    await expect(refused({ kind: 'reset', at: 'mid-head' }, { raw: 'x' })).rejects.toThrow(
      "a raw reply cannot have a fault at 'mid-head'",
    )
    await expect(refused({ kind: 'drip', at: 'body-of-request' })).rejects.toThrow("give the reply read: 'slow'")
    await expect(refused({ kind: 'drip', at: 'after-body' })).rejects.toThrow('nothing is left to drip')
    await using server = await serve({ '/': () => ({ fault: { kind: 'reset', at: 'accept' } }) })
    expect((await fetch(server.url)).status).toBe(500)
    expect(server.errors).toHaveLength(1)
  })
})
