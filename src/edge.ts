/** The innermost handler: turns an engine into a cold, cancellable Observable and guards what goes into it. */
import { Observable } from 'rxjs'
import type { Engine } from './engine.ts'
import { NEEDS } from './engine.ts'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent } from './events.ts'
import { frame } from './framing.ts'
import type { Handler } from './plugin.ts'
import type { HttpRequest } from './request.ts'
import { Sending } from './sending.ts'

/** Which of our engines can do what only some can; named in `UNSUPPORTED` errors. */
const ABLE = 'undici, http2, http'

/** Makes the innermost handler of a client. */
export function edge(engine: Engine): Handler {
  return request =>
    new Observable<HttpEvent>(subscriber => {
      const framed = frame(request)
      checkNeeds(engine, framed)
      const sending = new Sending(framed, subscriber)
      sending.begin(engine)
      return sending
    })
}

function checkNeeds(engine: Engine, request: HttpRequest): void {
  for (const need of request.read(NEEDS) ?? []) {
    if (engine.capabilities[need]) continue
    throw new HttpError(
      'UNSUPPORTED',
      `${describe(request, request.attempt)} needs ${need}, which the engine ${engine.name} cannot do; engines that can: ${ABLE}.`,
      { phase: 'config', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }
}
