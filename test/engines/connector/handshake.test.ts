import { createHash, X509Certificate } from 'node:crypto'
import { createServer as createPlainServer, type AddressInfo, type Server } from 'node:net'
import { createServer, type TlsOptions as ServerTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { whyRefused } from '../../../engines/connector/handshake-failure.ts'
import type { TlsOptions } from '../../../engines/connector/tls.ts'
import { certificates } from '../../support/certificates.ts'
import { connectorOf, outcome } from './drive.ts'

const { ca, good, expired, notYetValid, wrongHost, selfSigned, untrusted, otherCa, client, otherClient } =
  certificates()

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Listens and answers with the port. */
async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

function tlsServer(options: ServerTls, host?: string): Promise<number> {
  const server = createServer({ ...good, ...options }, socket => {
    socket.on('error', () => undefined)
    socket.resume()
  })
  // Says something, so that those who read see the sessions.
  server.on('secureConnection', socket => socket.write('x'))
  server.on('tlsClientError', () => undefined)
  return listen(server, host)
}

/** Shakes hands once and answers with the sentence of the failure, or with the version agreed on. */
async function shake(serverOptions: ServerTls, tls: TlsOptions = {}): Promise<string> {
  const port = await tlsServer(serverOptions)
  const { failure, facts } = await outcome(connectorOf({ tls: { ca, ...tls } }), `https://localhost:${port}`)
  if (failure === undefined) return String(facts?.tls?.version)
  expect(failure).toMatchObject({ code: 'TLS', phase: 'tls' })
  return failure.why.replaceAll(`localhost:${port}`, 'HERE')
}

const pinOf = (pem: string): string =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')

describe('a server by an address of IPv6', () => {
  const by = async (identity: ServerTls) => {
    const port = await tlsServer(identity, '::1')
    return outcome(connectorOf({ tls: { ca } }), `https://[::1]:${port}`)
  }

  it('is known by its certificate', async () => {
    const { failure, facts } = await by(good)
    expect(failure).toBeUndefined()
    expect(facts).toMatchObject({ remoteAddress: '::1', tls: { resumed: false } })
  })

  it('is not known by that of somebody else', async () => {
    const { failure } = await by(wrongHost)
    expect(failure).toMatchObject({ code: 'TLS', phase: 'tls', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  })
})

describe('a handshake that fails says why', () => {
  const old: ServerTls = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  const NO_VERSION =
    'the TLS handshake with HERE failed: the server speaks no version of TLS that is allowed here (ERR_SSL_'
  const NO_CIPHER =
    'the TLS handshake with HERE failed: the server takes none of the ciphers that are offered, or wants a client certificate (ERR_SSL_'
  const asking: ServerTls = { ca, requestCert: true, rejectUnauthorized: true }

  it.each<[what: string, server: ServerTls, client: TlsOptions, why: string]>([
    ['expired', expired, {}, 'the certificate of HERE has expired (CERT_HAS_EXPIRED)'],
    ['not valid yet', notYetValid, {}, 'the certificate of HERE is not valid yet (CERT_NOT_YET_VALID)'],
    [
      'for another host',
      wrongHost,
      {},
      "the certificate of HERE is not one for localhost: Host: localhost. is not in the cert's altnames: " +
        'DNS:elsewhere.test (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
    [
      'signed by itself',
      selfSigned,
      {},
      'the certificate of HERE is signed by nobody but itself (DEPTH_ZERO_SELF_SIGNED_CERT)',
    ],
    [
      'that of a client',
      client,
      { servername: 'ada' },
      'the certificate of HERE is not one for servers (INVALID_PURPOSE)',
    ],
    ['too old, says the server', { maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }, NO_VERSION],
    ['too new, says the server', { minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, NO_VERSION],
    ['too old for the defaults', old, {}, NO_VERSION],
    [
      'no common cipher of TLS 1.2',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
      { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' },
      NO_CIPHER,
    ],
    [
      'no common cipher of TLS 1.3',
      { ciphers: 'TLS_AES_128_GCM_SHA256' },
      { ciphers: 'TLS_AES_256_GCM_SHA384' },
      NO_CIPHER,
    ],
    ['no client certificate, TLS 1.2', { ...asking, maxVersion: 'TLSv1.2' }, {}, NO_CIPHER],
    [
      'a client certificate of somebody else, TLS 1.2',
      { ...asking, maxVersion: 'TLSv1.2' },
      { cert: otherClient.cert, key: otherClient.key },
      'the TLS handshake with HERE was cut off (ECONNRESET)',
    ],
    [
      'no common protocol',
      { ALPNProtocols: ['h2'] },
      {},
      'the TLS handshake with HERE failed: the server speaks none of the protocols that are offered ' +
        '(ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)',
    ],
  ])('%s', async (_, server, options, why) => {
    expect((await shake(server, options)).slice(0, why.length)).toBe(why)
  })

  it('an authority that is not known, or has the name of one that is', async () => {
    expect(await shake(untrusted)).toMatch(
      /^the certificate of HERE (comes from an authority that is not known|has a signature that is not that of its authority) \(/,
    )
  })

  it('no TLS on this port', async () => {
    const port = await listen(
      createPlainServer(socket => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      }),
    )
    const { failure } = await outcome(connectorOf(), `https://localhost:${port}`)
    expect(failure?.why).toBe(
      `the TLS handshake with localhost:${port} failed: the server does not speak TLS on this port (ERR_SSL_WRONG_VERSION_NUMBER)`,
    )
  })

  it('a client certificate that is missing in TLS 1.3, which comes when the handshake is over', async () => {
    const server = createServer({ ...good, ...asking })
    server.on('tlsClientError', () => undefined)
    const port = await listen(server)
    const socket = await new Promise<Error>((resolve, reject) => {
      const connecting = connectorOf({ tls: { ca } }).prepare(
        { origin: '', secure: true, host: 'localhost', port },
        {
          phase: () => undefined,
          connected: made => made.once('error', resolve).resume(),
          failed: ({ why }) => {
            reject(new Error(why))
          },
        },
      )
      connecting.start()
    })
    expect(whyRefused(socket)).toBe('the server wants a client certificate')
    expect(await shake(asking, { cert: client.cert, key: client.key })).toBe('TLSv1.3')
  })

  it('nothing more than the code when the code says no more', () => {
    expect(whyRefused(Object.assign(new Error('bad record'), { code: 'ERR_SSL_BAD_RECORD_TYPE' }))).toBeUndefined()
    expect(whyRefused('not even an error')).toBeUndefined()
  })
})

describe('a pin', () => {
  it.each([
    ['the key of the server', pinOf(good.cert)],
    ['that key as curl writes it', `sha256//${pinOf(good.cert)}`],
    ['that key with one slash', `sha256/${pinOf(good.cert)}`],
    ['the key of its authority, which the server did not send', pinOf(ca)],
    ['one of several', [pinOf(otherCa), pinOf(good.cert)]],
  ])('lets in by %s', async (_, pins) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
      expect(await shake({ maxVersion }, { pins })).toBe(maxVersion)
  })

  it('that fits no key ends the handshake, and the error names the keys there are', async () => {
    expect(await shake({}, { pins: pinOf(otherCa) })).toBe(
      `no certificate of HERE has a key that is pinned; its keys are sha256//${pinOf(good.cert)} and sha256//${pinOf(ca)}`,
    )
  })

  it('counts although certificates do not', async () => {
    const anybody: TlsOptions = { ca: undefined, dangerouslyAcceptAnyCertificate: true }
    expect(await shake(selfSigned, { ...anybody, pins: pinOf(selfSigned.cert) })).toBe('TLSv1.3')
    expect(await shake(selfSigned, { ...anybody, pins: pinOf(good.cert) })).toContain('has a key that is pinned')
  })

  it('does not replace the look at the certificate', async () => {
    expect(await shake(expired, { pins: pinOf(expired.cert) })).toContain('has expired')
    expect(await shake(wrongHost, { pins: pinOf(wrongHost.cert) })).toContain('is not one for localhost')
  })

  it('is not met by a certificate that was only sent along', async () => {
    const anybody: TlsOptions = { ca: undefined, dangerouslyAcceptAnyCertificate: true }
    for (const along of [otherCa, ca, client.cert]) {
      const chain: ServerTls = { key: untrusted.key, cert: untrusted.cert + along }
      const met = along === otherCa
      expect(await shake(chain, { ...anybody, pins: pinOf(along) })).toEqual(
        met ? 'TLSv1.3' : expect.stringContaining('has a key that is pinned'),
      )
    }
  })

  it('is not met by the key of one who is no authority', async () => {
    // The client's certificate is used as if it were that of an authority of the same name.
    const chain: ServerTls = { key: selfSigned.key, cert: selfSigned.cert + good.cert }
    const tls: TlsOptions = { ca: undefined, dangerouslyAcceptAnyCertificate: true, pins: pinOf(good.cert) }
    expect(await shake(chain, tls)).toContain('has a key that is pinned')
  })

  it('is not evaded by a session of a handshake that did not meet it', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const port = await tlsServer({ maxVersion })
      const connector = connectorOf({ tls: { ca, pins: pinOf(otherCa) } })
      for (let time = 0; time < 3; time++) {
        const { failure } = await outcome(connector, `https://localhost:${port}`, { turns: 20 })
        expect(failure?.why).toContain('has a key that is pinned')
      }
    }
  })

  it('does not keep a session from being resumed', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const port = await tlsServer({ maxVersion })
      const connector = connectorOf({ tls: { ca, pins: pinOf(ca) } })
      const resumed: (boolean | undefined)[] = []
      for (let time = 0; time < 3; time++) {
        const { facts } = await outcome(connector, `https://localhost:${port}`, { turns: 20 })
        resumed.push(facts?.tls?.resumed)
        expect(facts?.tls?.fingerprint).toBe(new X509Certificate(good.cert).fingerprint256)
      }
      expect(resumed).toEqual([false, true, true])
    }
  })
})

describe('two connectors', () => {
  it('share nothing, however alike their options are', async () => {
    const port = await tlsServer({ ca, requestCert: true })
    const first = connectorOf({ tls: { ca, cert: client.cert, key: client.key } })
    const second = connectorOf({ tls: { ca, cert: client.cert, key: client.key } })
    await outcome(first, `https://localhost:${port}`, { turns: 20 })
    expect((await outcome(second, `https://localhost:${port}`)).facts?.tls?.resumed).toBe(false)
    expect((await outcome(first, `https://localhost:${port}`)).facts?.tls?.resumed).toBe(true)
  })
})
