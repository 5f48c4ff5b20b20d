/** HTTP/1.1 and HTTP/1.0 on Node's own client, with connections of our own making. */
import type { ClientRequest } from 'node:http'
import type { HttpProxyAgent, HttpsProxyAgent } from 'hpagent'
import { callback, count, flag, milliseconds, type Capabilities, type EngineFactory } from '../src/index.ts'
import { Connector } from './connector/connector.ts'
import { checkOptions, checkTls, ownOf } from './connector/options.ts'
import { agent, tunnelOptionsOf } from './http/agent.ts'
import { Connection } from './http/connection.ts'
import { HttpExchange } from './http/exchange.ts'
import type { Expecting, Settings } from './http/settings.ts'
import { Tunnelling } from './http/tunnelling.ts'
import { PooledEngine } from './pool/engine.ts'
import { connectingOf, POOL_CHECKS, proxying, settingsOf, type PoolOptions } from './pool/options.ts'
import { Pools, type Source } from './pool/pools.ts'
import { SocketEngine, Sockets } from './web-socket/sockets.ts'

export type { TlsOptions } from './connector/connector.ts'
export type { PoolOptions } from './pool/options.ts'

/** Which bodies wait until the server asks for them, and for how long. */
export interface ExpectContinueOptions {
  /** Bodies of so many bytes or more wait, and those of unknown length. Default 1 048 576. */
  readonly from?: number | undefined
  /** How long they wait at most, in milliseconds; then they are sent unasked. Default 1000. */
  readonly wait?: number | undefined
}

/** The options of {@link http}. A wrong one throws `HttpError` code `CONFIG`. Times are milliseconds, `false` is no limit. */
export interface HttpOptions extends PoolOptions {
  /**
   * Sends `Expect: 100-continue` with large bodies and holds them back until the server asks for them: one it refuses by the
   * head alone is never sent. Costs a round trip. `true` is all defaults. Default `false`.
   */
  readonly expectContinue?: ExpectContinueOptions | boolean | undefined
  /**
   * Reads answers that are not quite HTTP, as some old servers and devices send them: control characters in header values,
   * a length together with chunks, bytes behind the last answer. Only for servers you know and reach without a proxy that others
   * share: what two parties read differently can be used to smuggle answers. Default `false`.
   */
  readonly dangerouslyAcceptInvalidHttp?: boolean | undefined
  /**
   * Called with Node's request before it is written, to listen to it or to tune its socket; what it throws fails the request with
   * `CONFIG`. It must not write, end or destroy it. Default: none.
   */
  readonly configure?: ((request: ClientRequest) => void) | undefined
  /**
   * Sends everything through the proxy of this agent of hpagent: `https://` in tunnels that hpagent opens, `http://` as proxies
   * expect it, or in tunnels too where the agent has `proxyRequestOptions` beyond TLS. Only its `proxy` and
   * `proxyRequestOptions` count; connections are kept by this engine and TLS with servers is a matter of `tls`. `lookup`,
   * `family` and `localAddress` are then for the way to the proxy, which looks up servers itself; `socketPath`,
   * `lookupCache` and `connectAttempts` cannot be given beside it. Default: none.
   */
  readonly agent?: HttpsProxyAgent | HttpProxyAgent | undefined
}

/**
 * Sends requests with Node's own HTTP client, for servers that undici cannot talk to: old ones that answer in HTTP/1.0, send
 * 100 Continue unasked or break the rules, and uploads that should wait until the server wants them. Where none of that
 * matters `undici` is faster.
 *
 * Throws `HttpError` code `CONFIG` for an option that is wrong or unknown.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { http } from 'sluice/engines/http'
 *
 * const client = createClient({ engine: http({ expectContinue: { from: 65_536, wait: 500 } }) })
 * client.post('https://api.example.com/users', { name: 'Ada' }).subscribe(response => console.log(response.status))
 * await client.close()
 * ```
 */
export function http(given: HttpOptions = {}): EngineFactory {
  const options = ownOf(given)
  checkOptions('http', options, CHECKS)
  if (options.tls !== undefined) checkTls('http', options.tls)
  const settings: Settings = {
    ...settingsOf(options),
    expectContinue: expectingOf(options.expectContinue),
    tolerant: options.dangerouslyAcceptInvalidHttp ?? false,
    configure: options.configure,
  }
  const connecting = connectingOf(options)
  const tunnels = options.agent === undefined ? undefined : tunnelOptionsOf(options.agent, options, settings)
  const source = (): Source & Partial<Tunnelling> =>
    tunnels === undefined ? new Connector(connecting, ALPN) : new Tunnelling(tunnels, connecting, ALPN)
  // Made once here so that a certificate that cannot be read is a mistake of the caller, not of a request.
  source()
  const { asyncContext = true } = options
  return {
    name: 'http',
    create() {
      const connector = source()
      const ids = { last: 0 }
      const pools = new Pools<HttpExchange>(
        settings,
        connector,
        (id, target, socket, facts, owner) =>
          new Connection(id, connector.aimOf?.(target) ?? target, socket, facts, settings, owner),
        ids,
      )
      const engine = new PooledEngine(
        'http',
        tunnels === undefined ? { ...CAPABILITIES, ...proxying(connecting) } : TUNNELLED,
        pools,
        (request, observer) => new HttpExchange(request, observer, pools, settings),
        asyncContext,
      )
      return new SocketEngine(engine, new Sockets(settings, connector.tunnels ?? connector, ids), asyncContext)
    },
  }
}

const ALPN = ['http/1.1']

const CHECKS = {
  ...POOL_CHECKS,
  expectContinue: (value: unknown) =>
    typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value))
      ? undefined
      : 'true, false or an object with from and wait',
  dangerouslyAcceptInvalidHttp: flag,
  configure: callback,
  agent,
}

const EXPECT_CHECKS = { from: count, wait: milliseconds }

const CAPABILITIES: Capabilities = {
  protocols: ['http/1.1', 'http/1.0'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: true,
  informational: true,
  trailers: true,
  backPressure: true,
  webSocket: true,
  decodes: false,
  proxies: true,
  limits: ['queue', 'dns', 'connect', 'tls', 'send'],
}

/** An agent has one way for all, and its proxy does the look-ups. */
const TUNNELLED: Capabilities = { ...CAPABILITIES, proxies: false, limits: ['queue', 'connect', 'tls', 'send'] }

function expectingOf(given: HttpOptions['expectContinue']): Expecting | undefined {
  if (given === undefined || given === false) return undefined
  const options: ExpectContinueOptions = ownOf(given === true ? {} : given)
  checkOptions('http({ expectContinue })', options, EXPECT_CHECKS)
  return { from: options.from ?? 1_048_576, wait: options.wait ?? 1000 }
}
