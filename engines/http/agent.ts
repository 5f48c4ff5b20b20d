/** What an agent of hpagent is asked for: its proxy, and how that is talked to. */
import { config, type ProxyHop, type Route } from '../../src/index.ts'
import { ownOf } from '../connector/options.ts'
import type { KeepSettings, PoolOptions } from '../pool/options.ts'
import type { TunnelOptions } from './tunnel-agent.ts'

/** The agents of hpagent, as far as they are read: whichever copy of it made them. */
export interface ProxiedAgent {
  readonly proxy: URL
  readonly proxyRequestOptions: Readonly<Record<string, unknown>>
  /** What was given to it for Node's own agent. */
  readonly options: Readonly<Record<string, unknown>>
}

/** Wants an agent of hpagent. */
export function agent(value: unknown): string | undefined {
  const { proxy, proxyRequestOptions } = Object(value) as Partial<ProxiedAgent>
  return proxy instanceof URL && typeof proxyRequestOptions === 'object'
    ? undefined
    : 'an HttpsProxyAgent or HttpProxyAgent of hpagent'
}

/** What may have been given to the agent: how many connections it would keep, and what Node adds of itself. */
const HARMLESS: ReadonlySet<string> = new Set([
  'keepAlive',
  'keepAliveMsecs',
  'maxSockets',
  'maxFreeSockets',
  'maxTotalSockets',
  'scheduling',
  'noDelay',
  'path',
  'protocol',
  'defaultPort',
])

/** Says how tunnels are opened for this agent. Throws `CONFIG` for what was given to it, or beside it, and would not count. */
export function tunnelOptionsOf(given: unknown, beside: PoolOptions, settings: KeepSettings): TunnelOptions {
  const { proxy, proxyRequestOptions, options } = given as ProxiedAgent
  const where = `${proxy.protocol}//${proxy.host}`
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw config(`The agent of http({ agent }) leads to ${where}; hpagent speaks to http and https proxies.`)
  }
  try {
    decodeURIComponent(proxy.username + proxy.password)
  } catch {
    throw config(`The user or password for ${where} has a % that stands for nothing; write %25 for the character.`)
  }
  const lost = Object.keys(options).filter(name => options[name] !== undefined && !HARMLESS.has(name))
  if (lost.length > 0) {
    throw config(
      `http({ agent }) asks the agent for its proxy only: give ${lost.join(', ')} to http(), or to proxyRequestOptions if it is for the proxy.`,
    )
  }
  const moot = MOOT.filter(name => beside[name] !== undefined)
  if (moot.length > 0) {
    throw config(
      `http({ agent }) connects to the proxy of the agent alone: ${moot.join(', ')} cannot be given beside it.`,
    )
  }
  const { lookup, family, localAddress } = beside
  const { keepAlive, maxHeaderSize } = settings
  return { proxy, proxyRequestOptions, keepAlive: keepAlive !== false, maxHeaderSize, lookup, family, localAddress }
}

/**
 * How requests over `http://` go through the proxy of the agent: in absolute form, as its proxy expects, where hpagent would ask
 * for a tunnel, which few proxies allow to ports of `http://`. `undefined` when the agent says more to its proxy than
 * user, password and TLS: only a CONNECT of hpagent can do that.
 */
export function forwardingOf({ proxy, proxyRequestOptions }: TunnelOptions, hop: ProxyHop): Route | undefined {
  const { rejectUnauthorized, ...tls } = proxyRequestOptions
  if (Object.keys(tls).some(name => tls[name] !== undefined && !FORWARDED.has(name))) return undefined
  const { username, password } = proxy
  const credentials =
    username === '' && password === ''
      ? undefined
      : { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  const dangerouslyAcceptAnyCertificate = rejectUnauthorized === false
  return { hops: [{ ...hop, credentials, tls: ownOf({ ...tls, dangerouslyAcceptAnyCertificate }) }], tunnel: false }
}

/** What the connector too can say to a proxy. */
const FORWARDED: ReadonlySet<string> = new Set([
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'servername',
  'ciphers',
  'minVersion',
  'maxVersion',
])

const MOOT = ['socketPath', 'lookupCache', 'connectAttempts'] as const
