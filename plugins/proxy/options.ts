/** What can be said of proxies. */
import type { Observable } from 'rxjs'
import type { HttpRequest, ProxyChallenge, ProxyCredentials } from '../../src/index.ts'

/**
 * A proxy: `http://host:3128`, `https://host:3129` or `socks5://host:1080` (`socks5h` is the same: names are always looked up by the
 * proxy). User and password may stand before the host, percent-encoded. Without a port: 80, 443, 1080.
 */
export type ProxyUrl = string | URL

/** Two proxies, one behind the other; the first is the one that is connected to. */
export interface ProxyChain {
  readonly chain: readonly [ProxyUrl, ProxyUrl]
}

/** One way to a server: a proxy, two, or none (`false`). */
export type ProxyWay = ProxyUrl | ProxyChain | false

/** A way, or several to try in order: the next one when a proxy cannot be reached. */
export type ProxyChoice = ProxyWay | readonly ProxyWay[]

/** What comes later; of several values the first. */
export type Later<T> = Observable<T> | PromiseLike<T> | AsyncIterable<T>

/** What a resolver answers: a choice, or `undefined` when it has none; now or later. */
export type ProxyAnswer = ProxyChoice | undefined | Later<ProxyChoice | undefined>

/** Credentials, or `undefined` to give up; now or later. */
export type CredentialsAnswer = ProxyCredentials | undefined | Later<ProxyCredentials | undefined>

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A PEM or DER file's content, or several. */
export type ProxyPem = string | Uint8Array | readonly (string | Uint8Array)[]

/** TLS to a proxy, as in the `tls` option of the engines. */
export interface ProxyTls {
  /** The authorities to trust, in place of those that come with Node. */
  readonly ca?: ProxyPem | undefined
  /** The client's certificate; needs `key`. */
  readonly cert?: ProxyPem | undefined
  /** The private key of `cert`. */
  readonly key?: ProxyPem | undefined
  /** Certificate and key in one PKCS#12 file. */
  readonly pfx?: string | Uint8Array | undefined
  /** Opens an encrypted `key` or `pfx`. */
  readonly passphrase?: string | undefined
  /** The name to find in the proxy's certificate. Default: its host. */
  readonly servername?: string | undefined
  /** Cipher suites in OpenSSL's notation. */
  readonly ciphers?: string | undefined
  /** The oldest version to speak. */
  readonly minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined
  /** The newest version to speak. */
  readonly maxVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' | undefined
  /** The public keys to accept. */
  readonly pins?: string | readonly string[] | undefined
  /** Talks to a proxy whoever it is. */
  readonly dangerouslyAcceptAnyCertificate?: boolean | undefined
}

/**
 * Options of `proxy`. Bad input throws `CONFIG`, without showing what was given: it may be a password.
 *
 * Of `resolve`, `rules`, `url` and `env` the first one that has something to say counts, in this order. A call that gives any of
 * them is decided by what it gives alone.
 */
export interface ProxyOptions {
  /** The proxy for whatever nothing else is said about. Default: none. A call may give it alone: `proxy: 'http://…'`. */
  readonly url: ProxyChoice | undefined
  /**
   * Choices by host, the first that fits counts. A key is written as in `NO_PROXY`: `'*.internal, 10.0.0.0/8'`, `'api.test:8443'`,
   * `'https://api.test'`, `'*'`. Default: none.
   */
  readonly rules: Readonly<Record<string, ProxyChoice>>
  /**
   * Asked for every send, and for each hop of a redirect. Default: nobody. What it throws is an error of
   * code `PROXY`; how long it takes is limited by `deadline` alone.
   */
  readonly resolve: ((request: HttpRequest) => ProxyAnswer) | undefined
  /**
   * Where to find `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`: `true` for the environment of the process as it is before
   * the first request, or an object. Default `false`.
   */
  readonly env: boolean | Environment
  /** Also goes through a proxy to `localhost`, names below it, 127.0.0.0/8 and ::1. Default `false`. */
  readonly loopback: boolean
  /** Asks an HTTP proxy for a tunnel for `http://` too, so that it sees the host alone. Default `false`: it is sent the request. */
  readonly tunnel: boolean
  /** TLS to `https://` proxies; give the same object every time, connections are shared by it. Default: as Node does it. */
  readonly tls: ProxyTls | undefined
  /** Asked once for credentials when a proxy refuses those it was given, or was given none. Default: nobody. */
  readonly ask: ((challenge: ProxyChallenge) => CredentialsAnswer) | undefined
}
