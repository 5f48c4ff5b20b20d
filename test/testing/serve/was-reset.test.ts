import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { serve } from '../../../testing/serve.ts'
import { wasReset } from '../../../testing/serve/was-reset.ts'
import { certificates } from '../../support/certificates.ts'
import { rawClient } from '../../support/raw-client.ts'

const { ca, good } = certificates()
const secure = { ca, servername: 'localhost' }

/** The two ends of a connection, each of which goes on when the other has sent FIN. */
async function pair(): Promise<{ ours: Socket; theirs: Socket } & Disposable> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const ours = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [theirs] = await accepted
  const close = (): void => {
    ours.destroy()
    theirs.destroy()
    server.close()
  }
  return { ours, theirs, [Symbol.dispose]: close }
}

describe('a socket that said end', () => {
  it('was not reset by a FIN, and nothing is sent to find out', async () => {
    using sockets = await pair()
    sockets.theirs.end('bytes')
    await once(sockets.ours.resume(), 'end')
    expect(wasReset(sockets.ours)).toBe(false)
    sockets.ours.end('more')
    expect(String((await once(sockets.theirs, 'data'))[0])).toBe('more')
  })

  it('was not reset by a RST after the FIN', async () => {
    using sockets = await pair()
    sockets.theirs.end()
    await once(sockets.ours.resume(), 'end')
    sockets.theirs.resetAndDestroy()
    await once(sockets.theirs, 'close')
    expect(wasReset(sockets.ours)).toBe(false)
    expect(sockets.ours.errored).toMatchObject({ code: 'EPIPE' })
  })

  it('was not reset when our side is over already', async () => {
    using sockets = await pair()
    sockets.ours.end()
    sockets.theirs.end()
    await once(sockets.ours.resume(), 'end')
    expect(wasReset(sockets.ours)).toBe(false)
  })
})

describe.each([
  ['plain', {}, undefined],
  ['TLS', { tls: good }, secure],
] as const)('a server over %s', (_, options, secure) => {
  it.each([
    ['close', 'client-fin'],
    ['reset', 'client-reset'],
  ] as const)('sees a client that leaves right behind some bytes (%s)', async (how, closedBy) => {
    await using server = await serve({ '/': {} }, options)
    using client = await rawClient(server.url, secure)
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.until('\r\n\r\n')
    client.send('GET / HT')
    client[how]()
    expect(await server.closed()).toMatchObject({ closedBy })
  })
})

it.each([
  ['close', 'client-fin'],
  ['reset', 'client-reset'],
] as const)('a server that stalls sees it too (%s)', async (how, closedBy) => {
  await using server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
  using client = await rawClient(server.url)
  client.send('GET / HT')
  client[how]()
  expect(await server.closed()).toMatchObject({ closedBy })
})
