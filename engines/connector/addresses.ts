/** From a host name to the addresses to try, in the order in which to try them. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/** Which addresses are wanted. */
export interface AddressOptions {
  readonly lookup?: LookupFunction | undefined
  readonly family?: 4 | 6 | undefined
}

/**
 * Looks up all addresses of a host. `done` is called once and never at once; the returned function makes it not be called.
 * A look-up itself cannot be stopped: its answer is dropped.
 */
export function addressesOf(
  host: string,
  { lookup = systemLookup, family }: AddressOptions,
  done: (error: unknown, addresses: readonly LookupAddress[]) => void,
): () => void {
  let wanted = true
  const settle = (error: unknown, addresses: readonly LookupAddress[]): void => {
    queueMicrotask(() => {
      if (!wanted) return
      wanted = false
      done(error, addresses)
    })
  }
  try {
    lookup(host, { all: true, family: family ?? 0 }, (error: unknown, found: unknown, foundFamily?: number) => {
      if (error !== null && error !== undefined) settle(error, [])
      else settleWith(found, foundFamily, host, family, settle)
    })
  } catch (error) {
    settle(error, [])
  }
  return () => {
    wanted = false
  }
}

/** A look-up may answer with a list, or with one address and its family. */
function settleWith(
  found: unknown,
  foundFamily: number | undefined,
  host: string,
  family: 4 | 6 | undefined,
  settle: (error: unknown, addresses: readonly LookupAddress[]) => void,
): void {
  const list = Array.isArray(found) ? (found as readonly unknown[]) : [{ address: found, family: foundFamily }]
  const addresses = list.map(toAddress).filter(address => address !== undefined)
  const fitting = family === undefined ? addresses : addresses.filter(address => address.family === family)
  if (fitting.length > 0) settle(undefined, alternating(fitting))
  else
    settle(
      Object.assign(new Error(`The look-up of ${host} brought no address that can be used.`), { code: 'ENOTFOUND' }),
      [],
    )
}

function toAddress(entry: unknown): LookupAddress | undefined {
  const address = typeof entry === 'string' ? entry : (entry as { address?: unknown } | null)?.address
  if (typeof address !== 'string') return undefined
  const family = isIP(address)
  return family === 0 ? undefined : { address, family }
}

/** Alternates between the two families, beginning with that of the first address (RFC 8305 §4). */
function alternating(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family)
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family)
  if (second.length === 0) return addresses
  const mixed: LookupAddress[] = []
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    const pair = [first[at], second[at]]
    for (const address of pair) if (address !== undefined) mixed.push(address)
  }
  return mixed
}
