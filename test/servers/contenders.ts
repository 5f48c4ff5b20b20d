/** The engines that are tried against real servers. A new engine adds itself here, and nowhere else. */
import type { EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { certificates } from '../support/certificates.ts'

/** An engine, and the door of the servers it goes through. */
export interface Contender {
  readonly name: string
  /** Plain HTTP/1.1; TLS, where ALPN chooses between h2 and HTTP/1.1; HTTP/2 without TLS. */
  readonly door: 'plain' | 'tls' | 'h2c'
  /** What is to come of it. */
  readonly protocol: 'http/1.1' | 'h2' | 'h2c'
  readonly engine: () => EngineFactory
}

const { ca } = certificates()

/** All of them. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'undici', door: 'plain', protocol: 'http/1.1', engine: () => undici() },
  { name: 'undici with TLS', door: 'tls', protocol: 'http/1.1', engine: () => undici({ tls: { ca }, http2: false }) },
  { name: 'undici by ALPN', door: 'tls', protocol: 'h2', engine: () => undici({ tls: { ca } }) },
  { name: 'http', door: 'plain', protocol: 'http/1.1', engine: () => http() },
  { name: 'http with TLS', door: 'tls', protocol: 'http/1.1', engine: () => http({ tls: { ca } }) },
  { name: 'http2 by ALPN', door: 'tls', protocol: 'h2', engine: () => http2({ tls: { ca } }) },
  { name: 'http2 without TLS', door: 'h2c', protocol: 'h2c', engine: () => http2({ mode: 'h2c' }) },
]

/** Those that stand on the platform's own stack, which decodes, tells nothing of connections and keeps them as it likes. */
export const PLATFORMS: readonly Contender[] = [
  { name: 'fetch', door: 'plain', protocol: 'http/1.1', engine: () => fetch() },
]

/** Where a server listens. */
export type Doors = Readonly<Record<Contender['door'], number>>

/** The url of the door a contender goes through. Names differ from addresses only in what the certificate is asked for. */
export function urlOf({ door }: Contender, doors: Doors): string {
  return `${door === 'tls' ? 'https' : 'http'}://localhost:${doors[door]}/`
}
