/** Sending a request by the first way on which its proxy can be reached. */
import type { Observable } from 'rxjs'
import {
  canBeSentAgain,
  isHttpError,
  notice,
  reissue,
  ROUTE,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type Phase,
  type Route,
} from '../../src/index.ts'
import type { Ways } from './plan.ts'
import { nameOf } from './server.ts'

/** Sends by the first way, and by the next one while a proxy cannot be reached and nothing was written. */
export function tryInOrder(request: HttpRequest, next: Handler, ways: Ways): Observable<HttpEvent> {
  const first = next(by(request, ways[0]))
  if (ways.length === 1) return first
  let at = 0
  return first.pipe(
    reissue(({ error }, tell) => {
      if (at + 1 >= ways.length || !isUnreached(error) || !canBeSentAgain(request)) return undefined
      const [from, to] = [ways[at], ways[at + 1]].map(pathOf)
      tell(notice('proxy', 'next', { from, to, code: error.code }))
      at += 1
      return next(by(request, ways[at]))
    }),
  )
}

/** For people: `http://proxy.test:3128`, `direct`. */
function pathOf(route: Route | undefined): string {
  return route === undefined ? 'direct' : route.hops.map(nameOf).join(', then ')
}

function by(request: HttpRequest, route: Route | undefined): HttpRequest {
  return route === undefined ? request : request.note(ROUTE, route)
}

const BEFORE_TLS: ReadonlySet<Phase | undefined> = new Set(['dns', 'connect', 'proxy'] as const)

/** What an HTTP proxy answered is an answer, and a server that could not prove who it is must not be asked by another way. */
function isUnreached(error: unknown): error is { readonly code: string } {
  if (!isHttpError(error) || error.requestWritten !== 'no') return false
  const { code, phase, response } = error
  if (code === 'TIMEOUT') return BEFORE_TLS.has(phase)
  return code === 'DNS' || code === 'CONNECT' || (code === 'PROXY' && response === undefined)
}
