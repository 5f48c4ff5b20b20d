/** Interceptors of Angular as plugins. */
import {
  HttpErrorResponse,
  HttpRequest as AngularRequest,
  HttpResponse as AngularResponse,
  type HttpEvent as AngularEvent,
  type HttpInterceptorFn,
} from '@angular/common/http'
import { inject, Injector, runInInjectionContext } from '@angular/core'
import { catchError, concatMap, EMPTY, map, Observable, of, Subject } from 'rxjs'
import {
  definePlugin,
  HttpResponse,
  notice,
  prepareBody,
  type Body,
  type HttpEvent,
  type HttpRequest,
  type Plugin,
  type ResponseHead,
} from '../../src/index.ts'
import { angularHeaders, sluiceHeaders } from './headers.ts'

/** How an interceptor stands among the plugins. */
export interface FromAngularOptions<Name extends string> {
  /** Its name in errors, in `explain()` and per call: `{ name: false }` leaves it out. */
  readonly name: Name
}

const encoder = new TextEncoder()

/**
 * Makes a plugin of a functional interceptor of Angular, so that it also sees what does not come from `HttpClient`. It runs
 * once per call and may call `next` as often as it likes. Call it where `inject()` can be called, as in `provideSluice(() => …)`:
 * the interceptor runs in that injector.
 *
 * It is shown what it would be shown by Angular: the method, url and headers of a request, and its body as bytes; an answer with
 * its JSON or its text as body; what is no success as `HttpErrorResponse`. What it changes is sent, or given back: a body
 * that is no text is JSON. What it does not touch passes as it is. Live answers (`client.stream`) it sees going in only.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { fromAngular } from 'sluice/angular'
 *
 * // provideSluice(() => ({ plugins: recommended(fromAngular(authInterceptor, { name: 'auth' })) }))
 * console.log(typeof fromAngular) // function
 * ```
 */
export function fromAngular<const Name extends string>(
  interceptor: HttpInterceptorFn,
  { name }: FromAngularOptions<Name>,
): Plugin<Name> {
  const injector = inject(Injector)
  return definePlugin({
    name,
    scope: 'steer',
    defaults: {},
    install: () => (request, next) => {
      const others = new Subject<HttpEvent>()
      /** What stands behind what the interceptor is shown. */
      const behind = new WeakMap<object, { readonly event: HttpEvent } | { readonly error: unknown }>()
      const shown = requestOf(request)
      const handle = (asked: AngularRequest<unknown>): Observable<AngularEvent<unknown>> =>
        next(changed(request, shown, asked)).pipe(
          catchError((error: unknown) => {
            const failure = new HttpErrorResponse({ error, status: 0, url: asked.urlWithParams })
            behind.set(failure, { error })
            return failing(failure)
          }),
          concatMap(event => {
            if (!isAnswer(event)) {
              others.next(event)
              return EMPTY
            }
            const answer = answerOf(event.response)
            behind.set(answer, { event })
            return answer instanceof HttpErrorResponse ? failing(answer) : of(answer)
          }),
        )
      const answers = runInInjectionContext(injector, () => interceptor(shown, handle)).pipe(
        map(event => {
          const known = behind.get(event)
          return known !== undefined && 'event' in known ? known.event : eventOf(request, event)
        }),
        // What is no success is a value to a client, unless the interceptor makes another error of it.
        catchError((error: unknown) => {
          const known = isObject(error) ? behind.get(error) : undefined
          if (known === undefined) return failing(error)
          return 'event' in known ? of(known.event) : failing(known.error)
        }),
      )
      return new Observable(subscriber => {
        // What is no answer is not shown to interceptors, and passes them.
        subscriber.add(others.subscribe(subscriber))
        subscriber.add(answers.subscribe(subscriber))
      })
    },
  })()
}

type AnswerOf = Extract<HttpEvent, { readonly type: 'response' }>

function isAnswer(event: HttpEvent): event is AnswerOf {
  return event.type === 'response'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Angular's errors are no `Error`s. */
function failing(reason: unknown): Observable<never> {
  return new Observable(subscriber => {
    subscriber.error(reason)
  })
}

function requestOf({ method, url, headers, body }: HttpRequest): AngularRequest<unknown> {
  const init = { headers: angularHeaders(headers), responseType: 'json' } as const
  return new AngularRequest<unknown>(method as 'POST', url, body instanceof Uint8Array ? body : null, init)
}

/** The request that is sent: what the interceptor did not change stays as it was. */
function changed(request: HttpRequest, shown: AngularRequest<unknown>, asked: AngularRequest<unknown>): HttpRequest {
  if (asked === shown) return request
  const { method, urlWithParams: url, body } = asked
  let sent = request.with({ method, url })
  if (asked.headers !== shown.headers) sent = sent.with({ headers: sluiceHeaders(asked.headers) })
  if (body === shown.body) return sent
  const raw = ArrayBuffer.isView(body) ? body : asked.serializeBody()
  const { body: prepared, contentType } = prepareBody(raw as Body)
  sent = sent.with({ body: prepared })
  const type = asked.detectContentTypeHeader() ?? contentType
  return type === undefined || asked.headers.has('content-type') ? sent : sent.header('content-type', type)
}

/** An answer as Angular's backends make it. */
function answerOf(response: HttpResponse): AngularResponse<unknown> | HttpErrorResponse {
  const { status, statusText, url, ok } = response
  const head = { status, statusText, url, headers: angularHeaders(response.headers) }
  const body = bodyOf(response)
  return ok ? new AngularResponse({ ...head, body }) : new HttpErrorResponse({ ...head, error: body })
}

function bodyOf(response: HttpResponse): unknown {
  const text = response.text()
  if (text === '') return null
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** An answer that an interceptor has made or changed. */
function eventOf(request: HttpRequest, event: AngularEvent<unknown>): HttpEvent {
  if (!(event instanceof AngularResponse)) return notice('angular', 'event', { type: event.type })
  const { status, url, body } = event
  const head: ResponseHead = {
    status,
    statusText: '',
    headers: sluiceHeaders(event.headers),
    httpVersion: '1.1',
    url: url ?? request.url,
    request,
  }
  return { type: 'response', response: new HttpResponse({ head, bytes: bytesOf(body) }) }
}

function bytesOf(body: unknown): Uint8Array {
  if (body === null || body === undefined) return new Uint8Array(0)
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (body instanceof Uint8Array) return body
  return encoder.encode(typeof body === 'string' ? body : JSON.stringify(body))
}
