/** A real HTTP/1.1 server for tests: answers as data, faults at an exact byte, and an account of what reached the wire. */
import type { TlsOptions } from 'node:tls'
import { Ledger, type ConnectionAccount, type Falsy, type RequestAccount } from './serve/account.ts'
import type { Choose } from './serve/exchange.ts'
import { checkFault, isEarly, type EarlyFault } from './serve/fault.ts'
import { listen } from './serve/listen.ts'
import { reply } from './serve/reply.ts'
import { router, type Route, type Routes } from './serve/routes.ts'
import { pathOf } from './serve/target.ts'

export type { ConnectionAccount, RequestAccount, TlsAccount } from './serve/account.ts'
export type { Break, Drip, EarlyFault, Fault, FaultPlace } from './serve/fault.ts'
export { reply, type Piece, type ReadPace, type Reply, type ReplyBody, type ReplyHeaders } from './serve/reply.ts'
export type { ServedRequest } from './serve/request.ts'
export type { Route, Routes } from './serve/routes.ts'

/** How the server listens and when it hangs up. */
export interface ServeOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** Key, certificate and whatever else TLS should have (`ca`, `requestCert`, `minVersion`, …). Default: no TLS. */
  readonly tls?: TlsOptions
  /** Milliseconds a connection may be idle after an answer before the server closes it, unannounced. Default: for ever. */
  readonly idleTimeout?: number
  /** How many requests a connection serves before the server closes it, unannounced. Default: any number. */
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
  /** What routes threw, and what clients sent that was not HTTP. */
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

/** A server that answers the nth request with the nth reply. */
export interface SequenceServer extends TestServer {
  /** How many replies were not asked for yet. */
  readonly remaining: number
}

/**
 * Serves routes on a port of 127.0.0.1 that the system chooses. A request that fits no route gets a 404 which lists them;
 * a route that throws, a 500, and the error is kept in `server.errors`. A client's FIN ends its connection at once,
 * also when the answer is still being sent.
 *
 * Throws a `TypeError` for a pattern or a fault that cannot be.
 *
 * @example
 * ```ts
 * import { reply, serve } from 'sluice/testing'
 *
 * await using server = await serve({
 *   'GET /users/:id': ({ params }) => reply.json({ id: params.id }),
 *   'GET /cut': { body: 'hello', fault: { kind: 'reset', at: 'mid-body', bytes: 2 } },
 * })
 * const response = await fetch(`${server.url}users/7`)
 * console.log(await response.json(), server.requests[0]?.target) // { id: '7' } /users/7
 * ```
 */
export async function serve(routes: Routes, options: ServeOptions = {}): Promise<TestServer> {
  const find = router(routes)
  for (const [pattern, route] of Object.entries(routes)) checkRoute(route, `route '${pattern}'`)
  const missing = (method: string, target: string): Route =>
    reply.text(
      `no route for ${method} ${target}; there are:\n${Object.keys(routes)
        .map(pattern => `  ${pattern}\n`)
        .join('')}`,
      { status: 404 },
    )
  const choose: Choose = ({ method, target }) =>
    find(method, pathOf(target)) ?? { route: missing(method, target), params: {} }
  return start(choose, new Ledger(), options, (at, id) => {
    const fault = options.onConnection?.(id)
    return fault?.at === at ? fault : undefined
  })
}

/**
 * Serves the nth request with the nth reply, whatever it asks for; past the end a 500 that says so. A reply whose fault is
 * at `accept` or `head-of-request` is used up by a connection or by the first byte of a request.
 *
 * @example
 * ```ts
 * import { reply, serveSequence } from 'sluice/testing'
 *
 * await using server = await serveSequence([reply.status(503), reply.text('now')])
 * await fetch(server.url)
 * console.log(await (await fetch(server.url)).text(), server.remaining) // now 0
 * ```
 */
export async function serveSequence(replies: readonly Route[], options: ServeOptions = {}): Promise<SequenceServer> {
  const left = [...replies]
  const ledger = new Ledger()
  for (const [at, route] of replies.entries()) if (!isEarly(faultOf(route))) checkRoute(route, `reply ${at + 1}`)
  const choose: Choose = ({ method, target }) => {
    const route = left.shift()
    if (route) return { route, params: {} }
    const error = new Error(`${method} ${target} came after the last of ${replies.length} replies`)
    ledger.errors.push(error)
    return { route: reply.text(`${error.message}\n`, { status: 500 }), params: {} }
  }
  const server = await start(choose, ledger, options, (at, id) => {
    const fault = options.onConnection?.(id) ?? faultOf(left[0])
    if (!isEarly(fault) || fault.at !== at) return undefined
    if (fault === faultOf(left[0])) left.shift()
    return fault
  })
  return Object.defineProperty(server, 'remaining', { get: () => left.length }) as SequenceServer
}

async function start(
  choose: Choose,
  ledger: Ledger,
  options: ServeOptions,
  earlyFault: (at: EarlyFault['at'], connection: number) => EarlyFault | undefined,
): Promise<TestServer> {
  const {
    host = '127.0.0.1',
    keepBody = 16 * 1024 * 1024,
    idleTimeout,
    maxRequestsPerConnection: maxRequests,
  } = options
  const conversation = { ledger, choose, earlyFault, keepBody, idleTimeout, maxRequests }
  const listener = await listen({ host, tls: options.tls }, conversation)
  const server: TestServer = {
    url: `${options.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${listener.port}/`,
    port: listener.port,
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
      for (const [at, { inlet }] of listener.wires) if (id === undefined || id === at) inlet.flow()
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

function faultOf(route: Route | undefined): EarlyFault | undefined {
  if (route === undefined || typeof route === 'function') return undefined
  const { fault } = route
  return isEarly(fault) ? fault : undefined
}

function checkRoute(route: Route, name: string): void {
  if (typeof route === 'function' || route.fault === undefined) return
  try {
    checkFault(route.fault, route.raw !== undefined)
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}`, { cause: error })
  }
}
