import type { Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'
import {
  HttpHeaders,
  isHttpError,
  NEEDS,
  type Engine,
  type HttpError,
  type HttpEvent,
  type HttpRequest,
} from '../../src/index.ts'
import { aRequest } from './samples.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'

// What is passed on, and what leaving does, is in sending.test.ts.

interface Log {
  readonly log: string[]
  readonly errors: unknown[]
}

/** Subscribes and writes down what comes out. */
function listen(source: Observable<HttpEvent>): Log {
  const log: string[] = []
  const errors: unknown[] = []
  source.subscribe({
    next: event => log.push(event.type),
    error: (error: unknown) => {
      errors.push(error)
      log.push('error')
    },
    complete: () => log.push('complete'),
  })
  return { log, errors }
}

const send = (engine: Engine, request: HttpRequest = aRequest()): Log => listen(edge(engine)(request))

describe('the edge', () => {
  it('sends nothing until somebody subscribes, and once for each who does', () => {
    const engine = answering()
    const handler = edge(engine)
    const events = handler(aRequest())
    expect(engine.sent).toHaveLength(0)
    listen(events)
    listen(events)
    expect(engine.lines).toEqual(['GET https://api.test/users', 'GET https://api.test/users'])
  })

  it('frames the request: the engine is given a length, the caller keeps what it had', () => {
    const engine = answering()
    const request = aRequest({ method: 'POST', body: new Uint8Array(3) })
    send(engine, request)
    expect(engine.last.request.headers.get('content-length')).toBe('3')
    expect(request.headers.size).toBe(0)
  })

  it('refuses a request that cannot be framed without asking the engine', () => {
    const engine = answering()
    const { errors } = send(engine, aRequest({ headers: HttpHeaders.of({ upgrade: 'x' }) }))
    expect(errors).toMatchObject([{ code: 'CONFIG' }])
    expect(engine.sent).toHaveLength(0)
  })
})

describe('what a request needs', () => {
  it('is refused with UNSUPPORTED when the engine lacks it, naming engines that can', () => {
    const engine = new ScriptedEngine(undefined, { trailers: false })
    const [error] = send(engine, aRequest().note(NEEDS, ['uploadProgress', 'trailers'])).errors
    expect(isHttpError(error)).toBe(true)
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no', request: { id: 1 } })
    expect((error as HttpError).message).toBe(
      'GET https://api.test/users needs trailers, which the engine scripted cannot do; engines that can: undici, http2, http.',
    )
    expect(engine.sent).toHaveLength(0)
  })

  it('is sent when the engine has it', () => {
    const engine = answering()
    expect(send(engine, aRequest().note(NEEDS, ['trailers', 'backPressure'])).log).toContain('complete')
  })
})
