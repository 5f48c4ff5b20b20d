/** The innermost handler: turns an engine into a cold, cancellable Observable and guards what goes into it. */
import { Observable, type Subscriber } from 'rxjs'
import { DISCARD, Drain } from './discard.ts'
import type { Engine, Exchange } from './engine.ts'
import { NEEDS } from './engine.ts'
import { describe, HttpError } from './errors.ts'
import type { HttpEvent, ResponseHead, Timings } from './events.ts'
import { frame } from './framing.ts'
import { REPORT } from './monitor.ts'
import type { Handler } from './plugin.ts'
import type { HttpRequest } from './request.ts'

/** Which of our engines can do what only some can; named in `UNSUPPORTED` errors. */
const ABLE = 'undici, http2, http'

/** Makes the innermost handler of a client. */
export function edge(engine: Engine): Handler {
  return request =>
    new Observable<HttpEvent>(subscriber => {
      const framed = frame(request)
      checkNeeds(engine, framed)
      const report = framed.read(REPORT)
      report?.({ type: 'attempt', request: framed, attempt: framed.attempt })
      const start = performance.now()
      const marks: { -readonly [K in keyof Timings]: Timings[K] } = { startedAt: performance.timeOrigin + start }
      let connection: (HttpEvent & { type: 'connection' })['connection'] | undefined
      let drain: Drain | undefined
      let settled = false
      const exchange: Exchange = engine.exchange(framed, {
        next(event) {
          if (drain !== undefined) {
            if (event.type === 'chunk') drain.take(event.bytes)
            return
          }
          switch (event.type) {
            case 'connection':
              connection = event.connection
              marks.connected = performance.now() - start
              report?.({ type: 'connection', request: framed, connection })
              subscriber.next(event)
              break
            case 'sent':
              marks.sent = performance.now() - start
              subscriber.next(event)
              break
            case 'head': {
              marks.firstByte = performance.now() - start
              const head = { ...event.head, connection, timings: marks }
              if (isUnread(framed, head, subscriber)) drain = new Drain(head, subscriber)
              else subscriber.next({ type: 'head', head, flow: event.flow })
              break
            }
            default:
              subscriber.next(event)
          }
        },
        error(error) {
          settled = true
          if (drain === undefined) subscriber.error(error)
          else drain.end()
        },
        complete() {
          settled = true
          if (drain === undefined) subscriber.complete()
          else drain.end()
        },
        closed: () => subscriber.closed,
      })
      return () => {
        drain?.stop()
        if (!settled) exchange.abort()
      }
    })
}

/** Asks those who may leave the answer; what they throw is the call's error, not the engine's. */
function isUnread(request: HttpRequest, head: ResponseHead, subscriber: Subscriber<HttpEvent>): boolean {
  try {
    return request.read(DISCARD)?.(head) === true
  } catch (error) {
    subscriber.error(error)
    return false
  }
}

function checkNeeds(engine: Engine, request: HttpRequest): void {
  for (let needs = request.read(NEEDS) ?? [], at = 0; at < needs.length; at++) {
    const need = needs[at]
    if (need === undefined || engine.capabilities[need]) continue
    throw new HttpError(
      'UNSUPPORTED',
      `${describe(request, request.attempt)} needs ${need}, which the engine ${engine.name} cannot do; engines that can: ${ABLE}.`,
      { phase: 'config', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }
}
