/** What stands behind Angular's `HttpClient`: a client of ours in place of Angular's own `fetch` and `XMLHttpRequest`. */
import {
  HttpErrorResponse,
  HttpEventType,
  HttpHeaderResponse,
  HttpResponse,
  type HttpBackend,
  type HttpEvent,
  type HttpRequest,
} from '@angular/common/http'
import { map, Observable, timer, type Subscriber } from 'rxjs'
import { concat, isHttpError, type Client, type StreamingResponse } from '../../src/index.ts'
import { calling, type Calling, type Upload } from './calling.ts'
import { angularHeaders } from './headers.ts'
import { SLUICE_OPTIONS } from './options.ts'
import { outgoingOf } from './outgoing.ts'
import { bodyOf, decoderOf } from './parsing.ts'

/** What is read off an answer, whole or live. */
type Head = Pick<StreamingResponse, 'status' | 'statusText' | 'url' | 'headers'>

/** Where Angular's events go. */
type Told = Pick<Subscriber<HttpEvent<unknown>>, 'next' | 'error' | 'complete'>

/** Sends the requests of `HttpClient` by a client. */
export class SluiceBackend implements HttpBackend {
  readonly #client: Client<Calling>
  readonly #baseUri: string | undefined

  /** `baseUri` is what relative urls are relative to: the page, where there is one. */
  constructor(client: Client, baseUri: string | undefined) {
    this.#client = client.extend({ confine: false, plugins: [calling()] })
    this.#baseUri = baseUri
  }

  handle(request: HttpRequest<unknown>): Observable<HttpEvent<unknown>> {
    if (request.method === 'JSONP') {
      throw new Error('JSONP loads a script and is no HTTP request; add withJsonpSupport() to provideHttpClient().')
    }
    return new Observable(subscriber => this.#send(request, inZone(subscriber)))
  }

  #send(request: HttpRequest<unknown>, told: Told): () => void {
    const fail = (error: unknown): void => {
      told.error(failureOf(error, request))
    }
    told.next({ type: HttpEventType.Sent })
    const call = this.#events(request, told).subscribe({ error: fail })
    const { timeout } = request
    const limit =
      timeout === undefined
        ? undefined
        : timer(timeout).subscribe({
            next() {
              call.unsubscribe()
              fail(new DOMException('signal timed out', 'TimeoutError'))
            },
            error: fail,
          })
    return () => {
      limit?.unsubscribe()
      call.unsubscribe()
    }
  }

  /** Tells of the answer; a whole one can be asked for again by plugins further in, one whose progress is told cannot. */
  #events(request: HttpRequest<unknown>, told: Told): Observable<unknown> {
    const { url, redirect, wishes, method, headers, body } = outgoingOf(request, this.#baseUri)
    const follow = redirect !== 'manual' && redirect !== 'error'
    const options = {
      ...request.context.get(SLUICE_OPTIONS),
      ...{ method, headers, body, angular: { wishes, follow, upload: uploadOf(request, told) } },
    }
    if (request.reportDownloadProgress || reportsBoth(request)) {
      const read = async (answer: StreamingResponse): Promise<never[]> => {
        judge(answer, redirect)
        told.next(new HttpHeaderResponse(headOf(answer, request.urlWithParams)))
        conclude(request, answer, await downloaded(request, answer, told), told)
        return []
      }
      return this.#client.stream(url, read, options)
    }
    return this.#client.events(url, options).pipe(
      map(event => {
        if (event.type !== 'response') return
        judge(event.response, redirect)
        conclude(request, event.response, event.response.bytes, told)
      }),
    )
  }
}

/** What is to be told of an upload, and whether the request fails where the engine cannot tell it. */
function uploadOf(request: HttpRequest<unknown>, told: Told): Upload | undefined {
  const { reportUploadProgress: must } = request
  if (!must && !reportsBoth(request)) return undefined
  return {
    must,
    tell({ loaded, total }) {
      told.next({ type: HttpEventType.UploadProgress, loaded, ...(total === undefined ? {} : { total }) })
    },
  }
}

/** As applications asked for progress until Angular 22. */
function reportsBoth(request: HttpRequest<unknown>): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- they still do.
  return request.reportProgress
}

/** A redirect that must not be is no answer. */
function judge({ status, headers }: Head, redirect: RequestRedirect): void {
  if (redirect !== 'error' || status < 300 || status > 399 || !headers.has('location')) return
  throw new TypeError("The answer is a redirect, and the request was made with redirect: 'error'.")
}

/** Reads a body to its end and tells how far it is. */
async function downloaded(
  { responseType }: HttpRequest<unknown>,
  answer: StreamingResponse,
  told: Told,
): Promise<Uint8Array> {
  const length = answer.headers.get('content-length')
  const total = length === undefined ? undefined : Number(length)
  const chunks: Uint8Array[] = []
  const decoder = responseType === 'text' ? decoderOf(answer.headers.get('content-type') ?? '') : undefined
  let loaded = 0
  let partialText = ''
  for await (const bytes of answer) {
    chunks.push(bytes)
    loaded += bytes.length
    partialText += decoder?.decode(bytes, { stream: true }) ?? ''
    told.next({
      type: HttpEventType.DownloadProgress,
      loaded,
      ...(total === undefined ? {} : { total }),
      ...(decoder === undefined ? {} : { partialText }),
    })
  }
  return concat(chunks)
}

/** Tells of a whole answer in Angular's way: a success is a response, everything else an error. */
function conclude(request: HttpRequest<unknown>, answer: Head, bytes: Uint8Array, told: Told): void {
  const head = headOf(answer, request.urlWithParams)
  const ok = answer.status >= 200 && answer.status < 300
  let body: unknown
  try {
    // What has no body has none, not an empty one.
    const type = answer.headers.get('content-type') ?? ''
    body = bytes.length === 0 && isEmpty(request, answer) ? null : bodyOf(request.responseType, owned(bytes), type, !ok)
  } catch (error) {
    told.error(new HttpErrorResponse({ ...head, error }))
    return
  }
  if (!ok) {
    told.error(new HttpErrorResponse({ ...head, error: body }))
    return
  }
  told.next(new HttpResponse({ ...head, body }))
  told.complete()
}

/** Statuses and methods whose answers never have a body (RFC 9110 §6.4.1). */
function isEmpty({ method }: HttpRequest<unknown>, { status }: Head): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

/** A client gives the same bytes to everyone; a caller of Angular owns what he gets. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}

function headOf({ status, statusText, url, headers }: Head, asked: string) {
  return {
    status,
    statusText,
    url: url === '' ? asked : url,
    headers: angularHeaders(headers),
    redirected: URL.parse(asked, url)?.href.split('#', 1)[0] !== url,
  }
}

/** Everything that is no answer has the status 0, and the error of the client as its reason. */
function failureOf(error: unknown, request: HttpRequest<unknown>): HttpErrorResponse {
  const url = request.urlWithParams
  if (!isHttpError(error) || error.code !== 'STATUS' || error.response === undefined) {
    return new HttpErrorResponse({ error, status: 0, url })
  }
  let failure = new HttpErrorResponse({ error, status: 0, url })
  conclude(request, error.response, error.response.bytes, {
    next: () => undefined,
    error(judged: HttpErrorResponse) {
      failure = judged
    },
    complete: () => undefined,
  })
  return failure
}

interface ZoneLike {
  run(work: () => void): void
}

/** Events come where the call began: what changes then is seen by an application that detects changes by zone.js. */
function inZone(subscriber: Told): Told {
  const zone = (globalThis as { Zone?: { readonly current: ZoneLike } }).Zone?.current
  if (zone === undefined) return subscriber
  return {
    next(event) {
      zone.run(() => {
        subscriber.next(event)
      })
    },
    error(error: unknown) {
      zone.run(() => {
        subscriber.error(error)
      })
    },
    complete() {
      zone.run(() => {
        subscriber.complete()
      })
    },
  }
}
