/** The proxies every engine goes through. A new proxy adds itself here, and nowhere else. */
import type { ProxyCredentials, ProxyHop } from 'sluice'
import type { RealServer } from '../servers/launch.ts'
import { certificates } from '../support/certificates.ts'
import { ADA, BOB } from './credentials.ts'
import { dante } from './dante.ts'
import { haproxy } from './haproxy.ts'
import { nghttpx } from './nghttpx.ts'
import { squid } from './squid.ts'
import { tinyproxy } from './tinyproxy.ts'

/** A proxy, and what is spoken to it. */
export interface Way {
  readonly name: string
  readonly protocol: ProxyHop['protocol']
  /** What it has to be told. */
  readonly credentials?: ProxyCredentials
  /** How it asks for that. */
  readonly scheme?: 'basic' | 'digest' | 'socks5'
  /** Lets CONNECT through to port 443 only. */
  readonly strict?: true
  /** Says with this status, and not with 407, that a password is wrong. Without a tunnel nobody can tell who says that. */
  readonly wrong?: 401
  /** Ends its connection after each answer that did not come through a tunnel. */
  readonly hangsUp?: true
  /** Starts it, and what it stands before; it comes first. */
  readonly start: () => Promise<readonly [RealServer, ...RealServer[]]>
}

/** All of them. */
export const WAYS: readonly Way[] = [
  { name: 'squid', protocol: 'http', start: async () => [await squid('open')] },
  { name: 'squid as Debian brings it', protocol: 'http', strict: true, start: async () => [await squid('default')] },
  {
    name: 'squid with Basic',
    protocol: 'http',
    credentials: ADA,
    scheme: 'basic',
    start: async () => [await squid('basic')],
  },
  {
    name: 'squid with Digest',
    protocol: 'http',
    credentials: ADA,
    scheme: 'digest',
    start: async () => [await squid('digest')],
  },
  {
    name: 'tinyproxy',
    protocol: 'http',
    credentials: BOB,
    scheme: 'basic',
    wrong: 401,
    hangsUp: true,
    start: async () => [await tinyproxy()],
  },
  {
    name: 'haproxy before squid',
    protocol: 'https',
    credentials: ADA,
    scheme: 'basic',
    start: () => before(haproxy, () => squid('basic')),
  },
  { name: 'nghttpx before squid', protocol: 'https', start: () => before(nghttpx, () => squid('open')) },
  { name: 'dante', protocol: 'socks5', start: async () => [await dante('none')] },
  {
    name: 'dante with a password',
    protocol: 'socks5',
    credentials: ADA,
    scheme: 'socks5',
    start: async () => [await dante('username')],
  },
]

async function before(
  front: (port: number) => Promise<RealServer>,
  back: () => Promise<RealServer>,
): Promise<readonly [RealServer, RealServer]> {
  const last = await back()
  try {
    return [await front(last.ports[0] ?? 0), last]
  } catch (error) {
    await last.close()
    throw error
  }
}

/** How a proxy on this port of 127.0.0.1 is named to an engine. */
export function hopOf(way: Way, port: number, credentials: ProxyCredentials | undefined = way.credentials): ProxyHop {
  const { protocol } = way
  return { protocol, host: '127.0.0.1', port, credentials, tls: protocol === 'https' ? { ca: TRUSTED } : undefined }
}

const TRUSTED = certificates().ca
