import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, connect, type ConnectionOptions, type PeerCertificate } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { serve } from '../../testing/serve.ts'
import { certificates, type Identity } from './certificates.ts'

const { ca, good, expired, notYetValid, wrongHost, selfSigned, untrusted, otherCa } = certificates()

/** What a client makes of a server with this certificate. */
async function verdict(tls: Identity, options: ConnectionOptions, host: string = '127.0.0.1'): Promise<string> {
  await using server = await serve({}, { tls, host })
  const socket = connect({ port: server.port, host, ca, ...options })
  const verdict = await new Promise<string>(resolve => {
    socket.on('secureConnect', () => resolve('trusted'))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  })
  socket.destroy()
  return verdict
}

describe('certificates', () => {
  it('are minted once', () => {
    expect(certificates()).toBe(certificates())
  })

  it('hold for localhost, 127.0.0.1 and ::1', async () => {
    expect(await verdict(good, { servername: 'localhost' })).toBe('trusted')
    expect(await verdict(good, {}, '127.0.0.1')).toBe('trusted')
    expect(new X509Certificate(good.cert).checkIP('::1')).toBe('::1')
    // Node 22.23 and some of 24 refuse every certificate for an IPv6 address (nodejs/node#64144).
    const sound = { subject: {}, subjectaltname: 'IP Address:::1' } as PeerCertificate
    const refused = checkServerIdentity('::1', sound) as NodeJS.ErrnoException | undefined
    expect(await verdict(good, {}, '::1')).toBe(refused?.code ?? 'trusted')
  })

  it.each([
    ['expired', expired, 'CERT_HAS_EXPIRED'],
    ['not yet valid', notYetValid, 'CERT_NOT_YET_VALID'],
    ['for another host', wrongHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['signed by itself', selfSigned, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['from somebody unknown', untrusted, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ])('are refused when they are %s', async (_, identity, code) => {
    expect(await verdict(identity, { servername: 'localhost' })).toBe(code)
  })

  it('are told apart by who signed them, not by a name', async () => {
    expect(await verdict(untrusted, { servername: 'localhost', ca: [ca, otherCa] })).toBe('trusted')
    expect(await verdict(good, { servername: 'localhost', ca: otherCa })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })
})
