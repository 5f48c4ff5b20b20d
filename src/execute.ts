/** Law 1: a call is an Observable, and each subscription prepares, counts and sends a request of its own. */
import { Observable, type Subscriber, type Unsubscribable } from 'rxjs'
import { Everything, Whole, type Call, type Surroundings } from './call.ts'
import type { Engine } from './engine.ts'
import type { HttpEvent } from './events.ts'
import type { Lazy } from './lazy.ts'
import { closedError, type Lifetime } from './lifetime.ts'
import { REPORT } from './monitor.ts'
import type { AnyPlugin } from './plugin.ts'
import { NO_PLUGIN_OPTIONS, prepareRequest, type Prepared, type Said } from './prepare.ts'
import { LIVE, type HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import type { Stack } from './stack.ts'
import { Reading } from './reading.ts'
import type { Reader } from './streaming.ts'
import type { BaseUrl } from './url.ts'
import type { Watching } from './watching.ts'

/** What a client is made of. */
export interface Parts {
  readonly base: BaseUrl | undefined
  /** The plugins it will have, where they are known before everything is loaded. */
  readonly planned: readonly AnyPlugin[] | undefined
  /** The name of the plugin that encodes plain values, where there is one. */
  readonly encoder: string | undefined
  readonly stack: Lazy<Stack>
  readonly engine: Lazy<Engine>
  readonly lifetime: Lifetime
  readonly watching: Watching
  readonly nextId: () => number
}

/** The whole answer to a request. */
export function whole(parts: Parts, said: Said): Observable<HttpResponse> {
  return execute(parts, said, makeWhole)
}

/** Everything that happens in a call, the whole answer at last. */
export function everything(parts: Parts, said: Said): Observable<HttpEvent> {
  return execute(parts, said, makeEverything)
}

/** What a reader makes of a live answer. */
export function live<T>(parts: Parts, said: Said, reader: Reader<T>): Observable<T> {
  return execute<T>(
    parts,
    said,
    (request, subscriber, surroundings) => new Reading(request, subscriber, surroundings, reader),
    reader,
  )
}

/** Makes what hears the events of one subscription. */
type MakeCall<T> = (request: HttpRequest, subscriber: Subscriber<T>, surroundings: Surroundings) => Call<T>

const makeWhole: MakeCall<HttpResponse> = (request, subscriber, surroundings) =>
  new Whole(request, subscriber, surroundings)

const makeEverything: MakeCall<HttpEvent> = (request, subscriber, surroundings) =>
  new Everything(request, subscriber, surroundings)

function execute<T>(parts: Parts, said: Said, makeCall: MakeCall<T>, reader?: Reader<T>): Observable<T> {
  return new Observable(subscriber => begin(parts, said, makeCall, reader, subscriber))
}

function begin<T>(
  { base, encoder, stack, lifetime, watching, nextId }: Parts,
  said: Said,
  makeCall: MakeCall<T>,
  reader: Reader<T> | undefined,
  subscriber: Subscriber<T>,
): Unsubscribable {
  const id = nextId()
  if (isClosed(lifetime)) throw closedError({ id, method: said.method ?? 'GET', url: String(said.url) })
  const prepared = prepareRequest(said, id, base, encoder)
  const { report } = watching
  const call = makeCall(prepared.request, subscriber, { lifetime, report })
  // A body that was just made, or somebody who watches, may have ended the client or left.
  if (isClosed(lifetime)) call.fail(closedError(call.request))
  if (subscriber.closed) return call
  if (stack.now) start(stack.now, call, prepared, reader, report)
  else {
    stack.load().then(
      ready => {
        if (!subscriber.closed) start(ready, call, prepared, reader, report)
      },
      (error: unknown) => {
        call.fail(error)
      },
    )
  }
  return call
}

function start<T>(
  stack: Stack,
  call: Call<T>,
  prepared: Prepared,
  reader: Reader<T> | undefined,
  report: Watching['report'],
): void {
  try {
    const request = annotate(prepared, stack, report)
    if (reader === undefined) call.over(stack.ways.whole(request))
    else call.over(stack.ways.live(readied(request.note(LIVE, true), reader)))
  } catch (error) {
    call.fail(error)
  }
}

function isClosed(lifetime: Lifetime): boolean {
  return lifetime.closed
}

function annotate({ request, options }: Prepared, stack: Stack, report: Watching['report']): HttpRequest {
  const merged = options === NO_PLUGIN_OPTIONS ? request.options : stack.optionsOf(options)
  const sent = merged === request.options ? request : request.with({ options: merged })
  return report === undefined ? sent : sent.note(REPORT, report)
}

/** The request as its reader wants it. */
function readied(request: HttpRequest, reader: Reader<unknown>): HttpRequest {
  return Object.hasOwn(reader, 'prepare') && reader.prepare ? reader.prepare(request) : request
}
