/** TLS for engines on Node: its options, and the handshake on a socket that is connected. */
import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls'
import { HttpError, type TlsInfo } from '../../src/index.ts'
import type { ConnectFailure } from './failure.ts'
import { handshakeFailed, notPinned } from './handshake-failure.ts'
import { ownOf } from './options.ts'
import { Pins } from './pins.ts'
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
   * Talks only to a server of which one of these public keys is the key, or that of an authority which vouches for it:
   * the SHA-256 of the key in base64, as curl writes it (`sha256//…`) and as `pin-sha256` of RFC 7469. Counts beside all
   * other checks, also when those are off. Name a second key that is not in use yet, or you lock yourself out on the day
   * the first one is replaced. Default: none.
   */
  readonly pins?: string | readonly string[] | undefined
  /**
   * `true` talks to a server whoever it is: anybody on the way can read and change everything. For tests against a server of
   * your own give its certificate as `ca` instead. Default `false`.
   */
  readonly dangerouslyAcceptAnyCertificate?: boolean | undefined
}

/** Hears the outcome of a handshake, once and later: the peer is who it is to be, or what went wrong. */
export interface HandshakeListener {
  secured(info: TlsInfo): void
  failed(failure: ConnectFailure): void
}

/** A TLS configuration, with what was prepared for it and learned under it. */
export class TlsProfile {
  readonly #options: TlsOptions
  readonly #protocols: string[]
  readonly #sessions = new TlsSessions()
  readonly #pins: Pins | undefined
  #context: SecureContext | undefined

  /** Throws `CONFIG` for a certificate or key that cannot be read. `protocols` are offered by ALPN, the preferred first. */
  constructor(options: TlsOptions, protocols: readonly string[]) {
    this.#options = options
    this.#protocols = [...protocols]
    if (options.pins !== undefined) this.#pins = new Pins([options.pins].flat())
    // Reading the certificates of Node takes milliseconds and cannot fail: that waits for the first connection.
    if (Object.values(options).some(value => value !== undefined)) this.#context = contextOf(options)
  }

  /** Begins a handshake. `sessions` are those of the way to the server, unless that is direct. */
  start(
    socket: Socket,
    target: Target,
    listener: HandshakeListener,
    sessions: TlsSessions = this.#sessions,
  ): TLSSocket {
    this.#context ??= contextOf(this.#options)
    const name = this.#options.servername ?? target.host
    const server = `${name} ${target.host} ${target.port}`
    const known = sessions.get(server)
    const options: ConnectionOptions = ownOf({
      socket,
      host: name,
      secureContext: this.#context,
      ALPNProtocols: this.#protocols,
      rejectUnauthorized: this.#options.dangerouslyAcceptAnyCertificate !== true,
      session: known?.session,
    })
    // An address is not a name that may be asked for (RFC 6066 §3).
    if (isIP(name) === 0) options.servername = name
    else if (isIP(name) === 6) options.checkServerIdentity = checkAddress
    const secured = connect(options)
    let through = false
    // A session says that the peer was found to be the right one, which is not looked at again when it is resumed.
    let info: TlsInfo | undefined
    let early: Buffer | undefined
    const fail = (failure: ConnectFailure): void => {
      if (through) return
      through = true
      sessions.delete(server)
      listener.failed(failure)
    }
    secured.on('session', (session: Buffer) => {
      if (info === undefined) early = session
      else sessions.set(server, { session, fingerprint: info.fingerprint })
    })
    secured.once('secureConnect', () => {
      if (through) return
      const resumed = secured.isSessionReused()
      // In this order: Node gives the chain away when it is asked for the certificate alone.
      const keys = resumed ? undefined : this.#pins?.missing(secured)
      if (keys !== undefined) {
        fail(notPinned(target, keys))
        return
      }
      through = true
      info = infoOf(secured, resumed, resumed ? known?.fingerprint : secured.getPeerX509Certificate()?.fingerprint256)
      if (early !== undefined) sessions.set(server, { session: early, fingerprint: info.fingerprint })
      listener.secured(info)
    })
    // Stays for as long as the socket lives, so that an error nobody waits for any more is not thrown.
    secured.on('error', (cause: Error) => {
      fail(handshakeFailed(target, name, cause))
    })
    secured.once('close', () => {
      fail(handshakeFailed(target, name, cutOff()))
    })
    return secured
  }
}

/** Node 22.23 takes an address of IPv6 for a name, which no certificate then has. */
function checkAddress(address: string, certificate: PeerCertificate): Error | undefined {
  const { raw } = certificate as Partial<PeerCertificate>
  const found = raw !== undefined && new X509Certificate(raw).checkIP(address) !== undefined
  return found ? undefined : checkServerIdentity(address, certificate)
}

function infoOf(socket: TLSSocket, resumed: boolean, fingerprint: string | undefined): TlsInfo {
  return { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().name, fingerprint, resumed }
}

function cutOff(): Error {
  return Object.assign(new Error('The connection was closed in the middle of the TLS handshake.'), {
    code: 'ECONNRESET',
  })
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
