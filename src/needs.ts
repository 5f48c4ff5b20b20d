/** What a request needs of the engine that sends it. */
import { NEEDS, ROUTE, type Need } from './engine.ts'
import type { HttpRequest } from './request.ts'
import { WEB_SOCKET } from './web-socket.ts'

/**
 * What plugins noted, `proxies` where a route is, and `webSocket` where one is wanted. A request that is to go through a proxy must never go directly because
 * an engine does not know what a proxy is.
 */
export function needsOf(request: HttpRequest): readonly Need[] {
  let needs = request.read(NEEDS) ?? NONE
  if (request.read(ROUTE) !== undefined) needs = [...needs, 'proxies']
  return request.read(WEB_SOCKET) === undefined ? needs : [...needs, 'webSocket']
}

const NONE: readonly Need[] = []
