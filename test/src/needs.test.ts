import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'
import {
  isHttpError,
  NEEDS,
  ROUTE,
  WEB_SOCKET,
  type Engine,
  type HttpError,
  type HttpRequest,
  type Route,
  type WebSocketWish,
} from '../../src/index.ts'
import { needsOf } from '../../src/needs.ts'
import { route } from '../../src/route.ts'
import { aRequest } from './samples.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'

const WAY: Route = { hops: [{ protocol: 'http', host: 'proxy.test', port: 3128 }], tunnel: false }
const routed = (): HttpRequest => aRequest().note(ROUTE, WAY)

/** Sends and tells of the failure. */
function refusalOf(engine: Engine): HttpError | undefined {
  let error: unknown
  edge(engine)(routed()).subscribe({ error: (why: unknown) => (error = why) })
  return isHttpError(error) ? error : undefined
}

describe('what a request needs of its engine', () => {
  it('is nothing, what plugins noted, proxies where a route is, and webSocket where one is wanted', () => {
    expect(needsOf(aRequest())).toEqual([])
    expect(needsOf(aRequest().note(NEEDS, ['trailers']))).toEqual(['trailers'])
    expect(needsOf(routed().note(NEEDS, ['trailers']))).toEqual(['trailers', 'proxies'])
    const wish: WebSocketWish = { protocols: [], compress: false, maxMessage: 1024 }
    expect(needsOf(routed().note(WEB_SOCKET, wish))).toEqual(['proxies', 'webSocket'])
  })

  it('keeps a request with a route from an engine that would send it directly', () => {
    const engine = new ScriptedEngine(undefined, { proxies: false })
    const error = refusalOf(engine)
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(error?.message).toBe(
      'GET https://api.test/users needs proxies, which the engine scripted cannot do; engines that can: undici, http2, http.',
    )
    expect(engine.sent).toHaveLength(0)
  })

  it('does not send the reader to the engine that just refused', () => {
    const engine = new ScriptedEngine(undefined, { proxies: false })
    Object.assign(engine, { name: 'undici' })
    const error = refusalOf(engine)
    expect(error?.message).toContain('the engine undici cannot do the way it is set up; engines that can: http2, http.')
  })

  it('chooses among the engines of route()', () => {
    const [direct, able] = [new ScriptedEngine(undefined, { proxies: false }), answering()]
    const engine = route({ engines: {}, otherwise: [direct, able] }).create()
    edge(engine)(routed()).subscribe()
    expect(direct.sent).toHaveLength(0)
    expect(able.sent).toHaveLength(1)
  })
})
