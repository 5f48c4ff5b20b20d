/** What goes through the proxies: the engines, where they go, and what cannot be. A new engine adds itself here, and nowhere else. */
import { definePlugin, ROUTE, type EngineFactory, type ErrorCode, type Plugin, type Route } from 'sluice'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import type { TestServer } from 'sluice/testing'
import { app } from '../servers/app.ts'
import { certificates } from '../support/certificates.ts'
import type { Way } from './ways.ts'

const { ca, good } = certificates()

/** Where a request goes: what is spoken there, and whether a proxy is asked for a tunnel although there is no TLS. */
export interface Road {
  readonly name: string
  readonly door: keyof Origins
  readonly tunnel: boolean
  /** What the engine and the server speak with each other. */
  readonly protocol: 'http/1.1' | 'h2' | 'h2c'
}

const HTTP: Road = { name: 'http', door: 'plain', tunnel: false, protocol: 'http/1.1' }
const TUNNELLED: Road = { name: 'http in a tunnel', door: 'plain', tunnel: true, protocol: 'http/1.1' }
const HTTPS_1: Road = { name: 'https with HTTP/1.1', door: 'tls', tunnel: false, protocol: 'http/1.1' }
const HTTPS_2: Road = { name: 'https with HTTP/2', door: 'alpn', tunnel: false, protocol: 'h2' }
const H2C: Road = { name: 'HTTP/2 without TLS in a tunnel', door: 'h2c', tunnel: true, protocol: 'h2c' }

/** An engine, and the roads it is tried on. */
export interface Traveller {
  readonly name: string
  readonly engine: () => EngineFactory
  readonly roads: readonly Road[]
}

/** All of them. */
export const TRAVELLERS: readonly Traveller[] = [
  { name: 'undici', engine: () => undici({ tls: { ca } }), roads: [HTTP, TUNNELLED, HTTPS_1, HTTPS_2] },
  { name: 'http', engine: () => http({ tls: { ca } }), roads: [HTTP, TUNNELLED, HTTPS_1, HTTPS_2] },
  { name: 'http2', engine: () => http2({ tls: { ca } }), roads: [HTTP, TUNNELLED, HTTPS_1, HTTPS_2] },
  { name: 'http2 without TLS', engine: () => http2({ mode: 'h2c' }), roads: [H2C] },
]

/** What is done on a road. */
export const ERRANDS = ['GET', 'streamed upload', 'small streamed upload', 'cancelled mid-body', 'keep-alive'] as const

/** Why something cannot be, and what happens in its place. */
export interface Impossible {
  readonly reason: string
  readonly instead:
    | { readonly protocol: Road['protocol'] }
    | { readonly code: ErrorCode; readonly status: number }
    | { readonly connections: number }
}

/** What cannot be, for every errand or for one. */
export function impossible(
  traveller: Traveller,
  way: Way,
  road: Road,
  errand: (typeof ERRANDS)[number],
): Impossible | undefined {
  const tunnel = road.tunnel || road.door !== 'plain' || way.protocol === 'socks5'
  if (way.strict === true && tunnel) {
    return { reason: 'the proxy lets tunnels through to port 443 only', instead: { code: 'PROXY', status: 403 } }
  }
  if (traveller.name === 'http' && road.protocol === 'h2') {
    return { reason: 'the engine speaks HTTP/1.1 only, and so does the server then', instead: { protocol: 'http/1.1' } }
  }
  if (way.hangsUp === true && !tunnel && errand === 'keep-alive') {
    return { reason: 'the proxy ends the connection after each answer without a tunnel', instead: { connections: 5 } }
  }
  return undefined
}

/** The servers at the ends of the roads. */
export interface Origins {
  readonly plain: TestServer
  readonly tls: TestServer
  readonly alpn: TestServer
  readonly h2c: TestServer
}

/** Starts the servers. */
export async function origins(): Promise<Origins> {
  const [plain, tls, alpn, h2c] = await Promise.all([
    app(),
    app({ tls: good }),
    app({ tls: good, protocol: 'auto' }),
    app({ protocol: 'h2c' }),
  ])
  return { plain, tls, alpn, h2c }
}

/** The url of the server at the end of a road, by a name that the proxy has to look up. */
export function urlOf({ door }: Road, servers: Origins): string {
  return `${door === 'plain' || door === 'h2c' ? 'http' : 'https'}://localhost:${servers[door].port}/`
}

/** Sends every request by this route. */
export function by(route: Route): Plugin<'by', { route: Route }> {
  return definePlugin({
    name: 'by',
    scope: 'attempt',
    defaults: { route },
    install: () => (request, next, options: { route: Route }) => next(request.note(ROUTE, options.route)),
  })()
}
