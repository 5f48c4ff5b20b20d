/** The innermost handler: turns an engine into a cold, cancellable Observable and guards what goes into it. */
import type { Unsubscribable } from 'rxjs'
import type { Engine } from './engine.ts'
import { ABLE } from './able.ts'
import { describe, HttpError } from './errors.ts'
import { frame } from './framing.ts'
import { needsOf } from './needs.ts'
import type { Handler } from './plugin.ts'
import type { HttpRequest } from './request.ts'
import { Sending } from './sending.ts'
import { Source, type Sink } from './source.ts'

/** Makes the innermost handler of a client. */
export function edge(engine: Engine): Handler {
  return request => new Edge(engine, request)
}

class Edge extends Source {
  readonly #engine: Engine
  readonly #request: HttpRequest

  constructor(engine: Engine, request: HttpRequest) {
    super()
    this.#engine = engine
    this.#request = request
  }

  run(sink: Sink): Unsubscribable {
    const framed = frame(this.#request)
    checkNeeds(this.#engine, framed)
    const sending = new Sending(framed, sink)
    sending.begin(this.#engine)
    return sending
  }
}

function checkNeeds(engine: Engine, request: HttpRequest): void {
  const needs = needsOf(request)
  if (needs.length === 0) return
  const { name, capabilities } = engine.engineFor?.(request) ?? engine
  for (const need of needs) {
    if (capabilities[need]) continue
    const able = ABLE[need].filter(other => other !== name)
    const set = able.length < ABLE[need].length ? ' the way it is set up' : ''
    const who = able.length === 0 ? 'none of ours can' : `engines that can: ${able.join(', ')}`
    throw new HttpError(
      'UNSUPPORTED',
      `${describe(request, request.attempt)} needs ${need}, which the engine ${name} cannot do${set}; ${who}.`,
      { phase: 'config', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }
}
