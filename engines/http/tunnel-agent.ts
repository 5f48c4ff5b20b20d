/** hpagent's agent, so that the request it makes of a proxy can be watched, left, and is right. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { HttpProxyAgent } from 'hpagent'
import type { ProxyHop } from '../../src/index.ts'
import { addressesOf, type AddressOptions } from '../connector/addresses.ts'
import type { Target } from '../connector/target.ts'

/** On this channel Node tells of each request as it is made. */
const MADE = 'http.client.request.created'

/** What tunnels are opened with. */
export interface TunnelOptions {
  /** An http or https url, perhaps with user and password. */
  readonly proxy: URL
  /** What is given to the request to the proxy: TLS, header fields. */
  readonly proxyRequestOptions: Readonly<Record<string, unknown>>
  /** Says to the proxy that the connection is to stay. */
  readonly keepAlive: boolean
  /** How large the head of the proxy's answer may be, in bytes. */
  readonly maxHeaderSize: number
  /** For the name of the proxy; those of servers it looks up itself. */
  readonly lookup: LookupFunction | undefined
  readonly family: 4 | 6 | undefined
  readonly localAddress: string | undefined
}

/** Node reads more than is set here: for some of it a polluted `Object.prototype` must not answer. */
const NOT_GIVEN = Object.fromEntries(
  [
    'signal',
    'socketPath',
    'hostname',
    'auth',
    'protocol',
    'insecureHTTPParser',
    'joinDuplicateHeaders',
    'setDefaultHeaders',
  ].map(name => [name, undefined]),
)

/** Asks a proxy for tunnels in hpagent's words. */
export class TunnelAgent extends HttpProxyAgent {
  /** What hpagent reads of the proxy. */
  declare proxy: Readonly<Record<'protocol' | 'hostname' | 'port' | 'username' | 'password', string>>
  /** What it gives to its request. */
  declare proxyRequestOptions: Readonly<Record<string, unknown>>
  /** The proxy, without its credentials. */
  readonly hop: ProxyHop
  /** The name that its certificate is to have. */
  readonly servername: string

  constructor({ proxy, proxyRequestOptions, keepAlive, maxHeaderSize, lookup, family, localAddress }: TunnelOptions) {
    super({ proxy, keepAlive })
    const { hostname, protocol, username, password } = proxy
    const secure = protocol === 'https:'
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
    const port = proxy.port === '' ? (secure ? '443' : '80') : proxy.port
    this.hop = { protocol: secure ? 'https' : 'http', host, port: Number(port) }
    // With "https:" hpagent asks for the host by name (SNI), which an address is not (RFC 6066 §3). With anything else that
    // is not "http:" it speaks TLS as well, and leaves the name to us.
    this.proxy = { protocol: secure ? 'tls:' : 'http:', hostname: host, port, username, password }
    const { servername: given } = proxyRequestOptions
    const servername = typeof given === 'string' ? given : isIP(host) === 0 ? host : ''
    this.proxyRequestOptions = {
      ...NOT_GIVEN,
      ...proxyRequestOptions,
      servername,
      maxHeaderSize,
      family,
      localAddress,
      lookup: lookingUp({ lookup, family }),
    }
    this.servername = servername === '' ? host : servername
  }

  /** Asks for a tunnel; hpagent keeps its request to itself, this gives it out. Throws what Node finds wrong with it. */
  ask({ host, port }: Target, done: (error: unknown, socket: Socket | null | undefined) => void): ClientRequest {
    let asked: ClientRequest | undefined
    const see = (message: unknown): void => {
      const { request } = message as { readonly request: ClientRequest }
      if (request.method === 'CONNECT') asked ??= request
    }
    subscribe(MADE, see)
    try {
      // It writes the address as it is given one, and IPv6 needs brackets (RFC 9112 §3.2.3).
      super.createConnection({ host: host.includes(':') ? `[${host}]` : host, port }, done as never)
    } finally {
      unsubscribe(MADE, see)
    }
    if (asked === undefined) throw new Error('hpagent made no request')
    return asked
  }
}

/** Asks for addresses as the connector does: Node asks for all of them or for one, as its other options are. */
function lookingUp(options: AddressOptions): LookupFunction {
  return (host, { all }, done) => {
    addressesOf(host, options, (error, addresses) => {
      const [first] = addresses
      if (first === undefined) done(error as Error, [])
      else if (all === true) done(null, [...addresses])
      else done(null, first.address, first.family)
    })
  }
}
