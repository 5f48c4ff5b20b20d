/** Which addresses of a host are tried, and with what options of a socket. */
import type { LookupAddress } from 'node:dns'
import { isIP, type NetConnectOpts } from 'node:net'
import type { Candidate } from './race.ts'
import { hostPort } from './target.ts'

/** Bytes that may wait in a socket that is not read. */
const HIGH_WATER = 64 * 1024

/** What the race is run between. */
export function candidatesOf(
  addresses: readonly LookupAddress[],
  port: number,
  localAddress: string | undefined,
): readonly Candidate[] {
  return addresses.map(({ address, family }) => {
    const options: NetConnectOpts = {
      host: address,
      port,
      family,
      localAddress,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    }
    return { name: hostPort(address, port), options: { ...options, highWaterMark: HIGH_WATER } as NetConnectOpts }
  })
}

/** Only addresses of its own family can be reached from a local address. */
export function reachableFrom(
  localAddress: string | undefined,
  addresses: readonly LookupAddress[],
): readonly LookupAddress[] {
  const family = localAddress === undefined ? 0 : isIP(localAddress)
  return family === 0 ? addresses : addresses.filter(address => address.family === family)
}
