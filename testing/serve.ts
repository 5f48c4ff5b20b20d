/** A real server of HTTP/1.1 and HTTP/2 for tests: answers as data, faults at an exact byte, and an account of what reached the wire. */
import { Ledger } from './serve/account.ts'
import type { EarlyFaults } from './serve/conversation.ts'
import type { Choose } from './serve/exchange.ts'
import { checkFault, isEarly, type EarlyFault } from './serve/fault.ts'
import { reply } from './serve/reply.ts'
import { router, type Route, type Routes } from './serve/routes.ts'
import { start, type ServeOptions, type TestServer } from './serve/start.ts'
import { pathOf } from './serve/target.ts'

export type { ConnectionAccount, RequestAccount, TlsAccount } from './serve/account.ts'
export type { Break, Drip, EarlyFault, Fault, FaultPlace } from './serve/fault.ts'
export { reply, type Piece, type ReadPace, type Reply, type ReplyBody, type ReplyHeaders } from './serve/reply.ts'
export type { ServedRequest } from './serve/request.ts'
export type { Route, Routes } from './serve/routes.ts'
export type { Http2Options } from './serve/h2/options.ts'
export type { Protocol } from './serve/listen.ts'
export type { ServeOptions, TestServer } from './serve/start.ts'

/** A server that answers the nth request with the nth reply. */
export interface SequenceServer extends TestServer {
  /** How many replies were not asked for yet. */
  readonly remaining: number
}

/**
 * Serves routes on a port of 127.0.0.1 that the system chooses. A request that fits no route gets a 404 which lists them;
 * a route that throws, a 500, and the error is kept in `server.errors`. A client's FIN ends its connection at once,
 * also when the answer is still being sent. With `protocol` it speaks HTTP/2: the same routes, replies, faults and account.
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
  const earlyFault: EarlyFaults = (at, id) => {
    const fault = options.onConnection?.(id)
    return fault?.at === at ? fault : undefined
  }
  return start({ ledger: new Ledger(), choose, earlyFault }, options)
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
    if (faultOf(route)) {
      throw new Error(
        `reply ${replies.length - left.length} waits for a new connection, and the client used an old one`,
      )
    }
    if (route) return { route, params: {} }
    const error = new Error(`${method} ${target} came after the last of ${replies.length} replies`)
    ledger.errors.push(error)
    return { route: reply.text(`${error.message}\n`, { status: 500 }), params: {} }
  }
  const earlyFault: EarlyFaults = (at, id) => {
    const next = faultOf(left[0])
    const fault = options.onConnection?.(id) ?? next
    if (fault?.at !== at) return undefined
    if (fault === next) left.shift()
    return fault
  }
  const server = await start({ ledger, choose, earlyFault }, options)
  return Object.defineProperty(server, 'remaining', { get: () => left.length }) as SequenceServer
}

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
