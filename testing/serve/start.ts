/** Starting a server, and what a test may ask of it. */
import type { TlsOptions } from 'node:tls'
import type { ConnectionAccount, Falsy, RequestAccount } from './account.ts'
import type { Conversation } from './conversation.ts'
import type { EarlyFault } from './fault.ts'
import type { Http2Options } from './h2/options.ts'
import { listen, type Protocol } from './listen.ts'

/** How the server listens and when it hangs up. */
export interface ServeOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** A Unix socket to listen on instead; `url` is then `http://localhost/` and `port` 0. Default: none. */
  readonly socketPath?: string
  /** Key, certificate and whatever else TLS should have (`ca`, `requestCert`, `minVersion`, …). Default: no TLS. */
  readonly tls?: TlsOptions
  /**
   * What is spoken: `h2` and `auto` (whichever the client chooses by ALPN) need `tls`, `h2c` is HTTP/2 with prior knowledge
   * and needs that there is none. Default `http/1.1`.
   */
  readonly protocol?: Protocol
  /** What the server allows a client of HTTP/2, and how it misbehaves. */
  readonly http2?: Http2Options
  /** Milliseconds a connection may be idle after an answer before the server closes it, unannounced. Default: for ever. */
  readonly idleTimeout?: number
  /** How many requests a connection serves before the server closes it, unannounced; HTTP/2 announces it by GOAWAY. Default: any number. */
  readonly maxRequestsPerConnection?: number
  /** Request bodies of more bytes are counted and not kept. Default 16 MiB. */
  readonly keepBody?: number
  /** A fault that strikes a connection before a route can be known; ids count from 1. Default: none. */
  readonly onConnection?: (id: number) => EarlyFault | undefined
}

/** A running server and its account. */
export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:41234/`, or `https:` with TLS. */
  readonly url: string
  readonly port: number
  /** Every request whose head arrived, in that order; kept up to date. */
  readonly requests: readonly RequestAccount[]
  /** Every connection that was accepted, in that order; kept up to date. */
  readonly connections: readonly ConnectionAccount[]
  /** How many sockets are open now. */
  readonly open: number
  /** What routes and bodies threw, what clients sent that was not HTTP, and requests after the last reply of a sequence. */
  readonly errors: readonly Error[]
  /**
   * Resolves with the account of a connection when its socket is closed. Without an id it is the latest connection,
   * or the first if there was none yet. Rejects after `withinMs` (default 5000), saying what the server saw.
   */
  closed(connectionId?: number, withinMs?: number): Promise<ConnectionAccount>
  /** Resolves with the account of the `n`th request (counting from 1, default 1) when its head arrived. */
  received(n?: number, withinMs?: number): Promise<RequestAccount>
  /**
   * Resolves with the first truthy answer of `predicate`, which is asked now and after every change of the account.
   * Rejects after `withinMs` (default 5000), and with what `predicate` throws.
   */
  until<T>(predicate: (server: TestServer) => T, withinMs?: number): Promise<Exclude<T, Falsy>>
  /** Reads on where a reply with `read: 'none'` or a stall stopped reading, so that a client's leaving is seen. */
  resume(connectionId?: number): void
  /** Closes the port and destroys every connection. */
  close(): Promise<void>
}

/** Starts a server on what `conversation` answers. */
export async function start(
  conversation: Pick<Conversation, 'ledger' | 'choose' | 'earlyFault'>,
  options: ServeOptions,
): Promise<TestServer> {
  const { host = '127.0.0.1', socketPath, tls, keepBody = 16 * 1024 * 1024, idleTimeout } = options
  const { ledger } = conversation
  const { maxRequestsPerConnection: maxRequests, protocol = 'http/1.1', http2 = {} } = options
  if ((protocol === 'h2' || protocol === 'auto') && tls === undefined)
    throw new TypeError(`protocol: '${protocol}' needs tls: { key, cert }; without TLS it is 'h2c'`)
  if (protocol === 'h2c' && tls !== undefined) throw new TypeError("protocol: 'h2c' has no TLS; with it, it is 'h2'")
  const all = { ...conversation, keepBody, idleTimeout, maxRequests, http2 }
  const listener = await listen({ host, socketPath, tls, protocol }, all)
  const { port } = listener
  const authority = port === 0 ? 'localhost' : `${host.includes(':') ? `[${host}]` : host}:${port}`
  const server: TestServer = {
    url: `${tls ? 'https' : 'http'}://${authority}/`,
    port,
    requests: ledger.requests,
    connections: ledger.connections,
    errors: ledger.errors,
    get open() {
      return ledger.open
    },
    closed(id, withinMs = PATIENCE) {
      const wanted = id ?? Math.max(ledger.connections.length, 1)
      const find = (): ConnectionAccount | undefined =>
        ledger.connections.find(account => account.id === wanted && !account.open)
      return ledger.until(`connection ${wanted} to close`, find, withinMs)
    },
    received: (n = 1, withinMs = PATIENCE) => ledger.until(`request ${n}`, () => ledger.requests[n - 1], withinMs),
    until: (predicate, withinMs = PATIENCE) =>
      ledger.until('a condition of the test', () => predicate(server), withinMs),
    resume(id) {
      for (const [at, talk] of listener.talks) if (id === undefined || id === at) talk.flow()
    },
    async close() {
      await listener.close()
      ledger.close()
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
  return server
}

const PATIENCE = 5_000
