import { describe, expect, it } from 'vitest'
import { serve } from '../../../testing/serve.ts'
import { certificates } from '../../support/certificates.ts'
import { rawClient } from '../../support/raw-client.ts'

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const { ca, otherCa, good, client: ada, otherClient: mallory } = certificates()

describe('serve over TLS', () => {
  it('answers, and tells what was negotiated', async () => {
    await using server = await serve({ '/': { body: 'secret' } }, { tls: good })
    expect(server.url).toBe(`https://127.0.0.1:${server.port}/`)
    using client = await rawClient(server.url, { ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] })
    client.send(GET)
    await client.until('secret')
    await server.until(({ requests }) => requests[0]?.answered)
    expect(server.connections).toMatchObject([
      {
        bytesIn: GET.length,
        bytesOut: client.text.length,
        tls: { protocol: 'TLSv1.3', alpn: 'http/1.1', servername: 'localhost', resumed: false, authorized: false },
      },
    ])
  })

  it('asks for a client certificate', async () => {
    const options = { ...good, ca, requestCert: true, rejectUnauthorized: false }
    await using server = await serve({ '/': { body: 'hello' } }, { tls: options })
    for (const identity of [ada, mallory, {}]) {
      using client = await rawClient(server.url, { ...identity, ca, servername: 'localhost' })
      client.send(GET)
      await client.until('hello')
    }
    expect(server.connections.map(({ tls }) => [tls?.clientName, tls?.authorized])).toEqual([
      ['ada', true],
      ['mallory', false],
      [undefined, false],
    ])
  })

  it('refuses a client without a certificate where one is required', async () => {
    await using server = await serve({ '/': {} }, { tls: { ...good, ca, requestCert: true } })
    using client = await rawClient(server.url, { ca, servername: 'localhost' })
    expect(await client.ended).toBe('reset')
    expect(await server.closed()).toMatchObject({ requests: 0, tlsError: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' })
  })

  it('tells why a client refused the handshake', async () => {
    await using server = await serve({ '/': {} }, { tls: good })
    await expect(rawClient(server.url, { ca: otherCa, servername: 'localhost' })).rejects.toThrow('unable to verify')
    expect(await server.closed()).toMatchObject({ requests: 0, bytesIn: 0, tls: undefined })
    expect(server.errors).toEqual([])
  })

  it.each(['close', 'reset'] as const)('sees a client that leaves in the handshake (%s)', async how => {
    await using server = await serve({ '/': {} }, { tls: good })
    using client = await rawClient(server.url)
    // The beginning of a ClientHello.
    client.send(Uint8Array.of(22, 3, 1, 1, 0, 1))
    // Node 22 takes a RST right behind bytes for a FIN, and nothing can ask a socket in its handshake; let it come alone.
    if (process.version.startsWith('v22.')) await new Promise(resolve => setTimeout(resolve, 50))
    client[how]()
    expect(await server.closed()).toMatchObject({
      closedBy: how === 'close' ? 'client-fin' : 'client-reset',
      tlsError: 'ECONNRESET',
    })
  })

  it('speaks only the versions it is told to', async () => {
    await using server = await serve({ '/': { body: 'old' } }, { tls: { ...good, maxVersion: 'TLSv1.2' } })
    using client = await rawClient(server.url, { ca, servername: 'localhost' })
    client.send(GET)
    await client.until('old')
    expect(server.connections[0]?.tls?.protocol).toBe('TLSv1.2')
  })

  it('resumes a session', async () => {
    await using server = await serve({ '/': { body: 'ok' } }, { tls: good })
    let session: Buffer | undefined
    using first = await rawClient(server.url, { ca, servername: 'localhost' })
    first.socket.on('session', (ticket: Buffer) => {
      session = ticket
    })
    first.send(GET)
    await first.until('ok')
    if (session === undefined) throw new Error('there was no ticket')
    using second = await rawClient(server.url, { ca, servername: 'localhost', session })
    second.send(GET)
    await second.until('ok')
    expect(server.connections.map(({ tls }) => tls?.resumed)).toEqual([false, true])
  })

  it('answers plain HTTP with nothing but an account', async () => {
    await using server = await serve({ '/': {} }, { tls: good })
    using client = await rawClient(server.url)
    client.send(GET)
    await client.ended
    expect(await server.closed()).toMatchObject({ requests: 0, tlsError: 'ERR_SSL_HTTP_REQUEST' })
  })
})
