/** The engines that are held to one table of faults. A new engine on Node adds itself here, and nowhere else. */
import { Agent, fetch as fetchOfUndici } from 'undici'
import type { EngineFactory } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import type { TlsOptions } from '../../engines/connector/connector.ts'

/** An engine, and what the servers speak that it is tried against. */
export interface Contender {
  readonly name: string
  readonly protocol: 'http/1.1' | 'h2' | 'h2c'
  readonly make: (tls?: TlsOptions) => EngineFactory
  /** The options of TLS it cannot be given. */
  readonly lacks?: readonly (keyof TlsOptions)[]
}

/** All of them. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'undici', protocol: 'http/1.1', make: tls => undici({ tls }) },
  { name: 'undici by ALPN', protocol: 'h2', make: tls => undici({ tls }) },
  { name: 'http', protocol: 'http/1.1', make: tls => http({ tls }) },
  { name: 'http2', protocol: 'h2', make: tls => http2({ mode: 'h2', tls }) },
  { name: 'http2 by ALPN', protocol: 'h2', make: tls => http2({ tls }) },
  { name: 'http2 with HTTP/1.1', protocol: 'http/1.1', make: tls => http2({ tls }) },
  { name: 'http2 without TLS', protocol: 'h2c', make: () => http2({ mode: 'h2c' }) },
  {
    name: 'fetch',
    protocol: 'http/1.1',
    make: tls => fetch(tls === undefined ? {} : { fetch: trusting(tls) }),
    lacks: ['pins', 'cert'],
  },
]

/** A `fetch` that is told whom to trust, which the platform's own cannot be. */
function trusting({ ca, minVersion }: TlsOptions): (url: string, init: RequestInit) => Promise<Response> {
  const dispatcher = new Agent({
    allowH2: false,
    connect: { ...(ca === undefined ? {} : { ca: ca as string }), ...(minVersion === undefined ? {} : { minVersion }) },
    keepAliveTimeout: 1,
  })
  return (url, init) => fetchOfUndici(url, { ...init, dispatcher } as object) as unknown as Promise<Response>
}
