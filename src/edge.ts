/** The innermost handler: turns an engine into a cold, cancellable Observable and guards what goes into it. */
import type { Unsubscribable } from 'rxjs'
import type { Engine } from './engine.ts'
import { ABLE } from './able.ts'
import { NEEDS } from './engine.ts'
import { describe, HttpError } from './errors.ts'
import { frame } from './framing.ts'
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
  const needs = request.read(NEEDS)
  if (needs === undefined) return
  const { name, capabilities } = engine.engineFor?.(request) ?? engine
  for (const need of needs) {
    if (capabilities[need]) continue
    const able = ABLE[need]
    const who = able.length === 0 ? 'none of ours can' : `engines that can: ${able.join(', ')}`
    throw new HttpError(
      'UNSUPPORTED',
      `${describe(request, request.attempt)} needs ${need}, which the engine ${name} cannot do; ${who}.`,
      { phase: 'config', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }
}
