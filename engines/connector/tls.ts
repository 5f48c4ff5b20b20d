/** TLS for engines on Node: its options, and the handshake on a socket that is connected. */
import { isIP, type Socket } from 'node:net'
import {
  connect,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls'
import { HttpError, type TlsInfo } from '../../src/index.ts'
import { ownOf } from './options.ts'
import { TlsSessions } from './sessions.ts'
import type { Target } from './target.ts'

/** A PEM or DER file's content, or several. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[]

/** How TLS connections are made and whom they trust. */
export interface TlsOptions {
  /** The authorities to trust, PEM, in place of those that come with Node. Default: those that come with Node. */
  readonly ca?: Pem | undefined
  /** The client's certificate with its chain, PEM; needs `key`. Default: none. */
  readonly cert?: Pem | undefined
  /** The private key of `cert`, PEM. Default: none. */
  readonly key?: Pem | undefined
  /** Certificate and key in one PKCS#12 file; in place of `cert` and `key`. Default: none. */
  readonly pfx?: string | Uint8Array | undefined
  /** Opens an encrypted `key` or `pfx`. Default: none. */
  readonly passphrase?: string | undefined
  /** The name to ask the server for (SNI) and to find in its certificate. Default: the host of the url. */
  readonly servername?: string | undefined
  /** Cipher suites in OpenSSL's notation. Default: those of Node. */
  readonly ciphers?: string | undefined
  /** The oldest version to speak. Default `'TLSv1.2'`. */
  readonly minVersion?: SecureVersion | undefined
  /** The newest version to speak. Default `'TLSv1.3'`. */
  readonly maxVersion?: SecureVersion | undefined
  /**
   * `true` talks to a server whoever it is: anybody on the way can read and change everything. For tests against a server of
   * your own give its certificate as `ca` instead. Default `false`.
   */
  readonly dangerouslyAcceptAnyCertificate?: boolean | undefined
}

/** A TLS configuration, with what was prepared for it and learned under it. */
export class TlsProfile {
  readonly #options: TlsOptions
  readonly #protocols: string[]
  readonly #sessions = new TlsSessions()
  #context: SecureContext | undefined

  /** Throws `CONFIG` for a certificate or key that cannot be read. `protocols` are offered by ALPN, the preferred first. */
  constructor(options: TlsOptions, protocols: readonly string[]) {
    this.#options = options
    this.#protocols = [...protocols]
    // Reading the certificates of Node takes milliseconds and cannot fail: that waits for the first connection.
    if (Object.values(options).some(value => value !== undefined)) this.#context = contextOf(options)
  }

  /** The name to be found in the certificate of a server. */
  nameOf(target: Target): string {
    return this.#options.servername ?? target.host
  }

  /** Begins a handshake. */
  start(socket: Socket, target: Target): TLSSocket {
    this.#context ??= contextOf(this.#options)
    const name = this.nameOf(target)
    const server = `${name} ${target.host} ${target.port}`
    const options: ConnectionOptions = ownOf({
      socket,
      host: name,
      secureContext: this.#context,
      ALPNProtocols: this.#protocols,
      rejectUnauthorized: this.#options.dangerouslyAcceptAnyCertificate !== true,
      session: this.#sessions.get(server),
    })
    // An address is not a name that may be asked for (RFC 6066 §3).
    if (isIP(name) === 0) options.servername = name
    const secured = connect(options)
    secured.on('session', (session: Buffer) => {
      this.#sessions.set(server, session)
    })
    secured.once('error', () => {
      if (secured.getProtocol() === null) this.#sessions.delete(server)
    })
    return secured
  }
}

/** Tells what a handshake agreed on. */
export function tlsInfo(socket: TLSSocket): TlsInfo {
  const certificate = socket.getPeerX509Certificate()
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    fingerprint: certificate?.fingerprint256,
    resumed: socket.isSessionReused(),
  }
}

function contextOf({ ca, cert, key, pfx, passphrase, ciphers, minVersion, maxVersion }: TlsOptions): SecureContext {
  try {
    return createSecureContext({
      ca: listed(ca),
      cert: listed(cert),
      key: listed(key),
      pfx: listed(pfx),
      passphrase,
      ciphers,
      minVersion,
      maxVersion,
    })
  } catch (cause) {
    throw new HttpError('CONFIG', `The tls options cannot be used: ${(cause as Error).message}.`, {
      phase: 'config',
      cause,
    })
  }
}

function listed(pem: Pem | undefined): (string | Buffer)[] | undefined {
  if (pem === undefined) return undefined
  const list = typeof pem === 'string' || pem instanceof Uint8Array ? [pem] : pem
  return list.map(item => (typeof item === 'string' ? item : Buffer.from(item)))
}
