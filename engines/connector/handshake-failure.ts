/** Why a TLS handshake failed, in words. */
import { codeOf, named, type ConnectFailure } from './failure.ts'
import { hostPort, type Target } from './target.ts'

/** The handshake failed, on this side or on the other; `servername` is the name that was looked for in the certificate. */
export function handshakeFailed({ host, port }: Target, servername: string, cause: unknown): ConnectFailure {
  const code = codeOf(cause)
  const where = hostPort(host, port)
  const certificate = WHY_CERTIFICATE[code]
  const refusal = whyRefused(cause)
  const why =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `the certificate of ${where} is not one for ${servername}${reasonOf(cause)}`
      : certificate !== undefined
        ? `the certificate of ${where} ${certificate}`
        : code === 'ECONNRESET'
          ? `the TLS handshake with ${where} was cut off`
          : `the TLS handshake with ${where} failed${refusal === undefined ? '' : `: ${refusal}`}`
  return { code: 'TLS', phase: 'tls', why: `${why}${named(cause)}`, cause }
}

/** None of the server's keys is pinned; `keys` are those it came with, as they would be pinned. */
export function notPinned({ host, port }: Target, keys: readonly string[]): ConnectFailure {
  const why = `no certificate of ${hostPort(host, port)} has a key that is pinned; its keys are ${keys.join(' and ')}`
  return { code: 'TLS', phase: 'tls', why, cause: undefined }
}

/**
 * What a TLS error says of why, as a clause; `undefined` when it says nothing. From TLS 1.3 on a server may refuse the
 * client when the handshake is over for it, so engines ask this too of errors of connections they have.
 */
export function whyRefused(error: unknown): string | undefined {
  const alert = /\bSSL alert number (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  return (alert === undefined ? undefined : WHY_ALERTED[alert]) ?? WHY_FAILED[codeOf(error)]
}

const NOT_ACCEPTED = 'the server does not accept the certificate of the client'
const NO_VERSION = 'the server speaks no version of TLS that is allowed here'
const NO_TLS = 'the server does not speak TLS on this port'

/** By the number of the alert (RFC 8446 §6), which OpenSSL names differently from version to version. */
const WHY_ALERTED: Readonly<Record<string, string>> = {
  40: 'the server takes none of the ciphers that are offered, or wants a client certificate',
  42: NOT_ACCEPTED,
  43: NOT_ACCEPTED,
  44: NOT_ACCEPTED,
  45: NOT_ACCEPTED,
  46: NOT_ACCEPTED,
  48: NOT_ACCEPTED,
  49: 'the server does not let this client in',
  70: NO_VERSION,
  71: 'the server wants stronger ciphers than are offered',
  112: 'the server has no host of this name',
  116: 'the server wants a client certificate',
  120: 'the server speaks none of the protocols that are offered',
}

const WHY_FAILED: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_VERSION,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'minVersion and maxVersion leave no version of TLS',
}

const WHY_CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_REVOKED: 'was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'comes from an authority that is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'comes from an authority that is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes from an authority that is not known',
  CERT_SIGNATURE_FAILURE: 'has a signature that is not that of its authority',
  CERT_UNTRUSTED: 'is not trusted',
  INVALID_PURPOSE: 'is not one for servers',
}

function reasonOf(error: unknown): string {
  const reason = (error as { reason?: unknown }).reason
  return typeof reason === 'string' ? `: ${reason.replace(/\.$/, '')}` : ''
}
