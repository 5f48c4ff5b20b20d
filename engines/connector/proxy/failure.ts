/** Why a proxy did not let a connection through, in words. */
import type { ProxyHop } from '../../../src/index.ts'
import { named, type ConnectFailure } from '../failure.ts'
import { proxyName } from './way.ts'

/** The proxy was reached and did not do what it was asked for; `why` is a clause that follows its name. */
export function proxyFailed(hop: ProxyHop, why: string, cause?: unknown): ConnectFailure {
  return { code: 'PROXY', phase: 'proxy', why: `the proxy ${proxyName(hop)} ${why}${named(cause)}`, cause }
}

/** There is no connection to the proxy itself. In which part of connecting that was, `phase` still says. */
export function proxyUnreachable(hop: ProxyHop, { code, phase, why, cause }: ConnectFailure): ConnectFailure {
  // What is wrong with the options is nobody else's fault.
  if (code === 'CONFIG') return { code, phase, why, cause }
  const part = phase === 'tls' ? 'proxy' : phase
  return { code: 'PROXY', phase: part, why: `the proxy ${proxyName(hop)} cannot be reached: ${why}`, cause }
}
