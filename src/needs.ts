/** What a request needs of the engine that sends it. */
import { NEEDS, ROUTE, type Need } from './engine.ts'
import type { HttpRequest } from './request.ts'

/**
 * What plugins noted, and `proxies` where a route is. A request that is to go through a proxy must never go directly because
 * an engine does not know what a proxy is.
 */
export function needsOf(request: HttpRequest): readonly Need[] {
  const needs = request.read(NEEDS) ?? NONE
  return request.read(ROUTE) === undefined ? needs : [...needs, 'proxies']
}

const NONE: readonly Need[] = []
