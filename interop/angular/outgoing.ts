/** What an Angular request is to a client. */
import { HttpParams, type HttpRequest } from '@angular/common/http'
import { isObservable } from 'rxjs'
import type { Body, PlatformWishes } from '../../src/index.ts'

/** The media types Angular asks for unless the request does. */
const ACCEPT = 'application/json, text/plain, */*'

/** A call of a client. */
export interface Outgoing {
  readonly url: URL | string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  readonly wishes: PlatformWishes
  readonly redirect: RequestRedirect
}

/** Translates a request. A relative url is one of the page; where there is no page, of the client's own base. */
export function outgoingOf(request: HttpRequest<unknown>, baseUri: string | undefined): Outgoing {
  const { method, urlWithParams, redirect, withCredentials } = request
  const { credentials, mode, cache, keepalive, priority, referrer, referrerPolicy, integrity } = request
  const wishes: PlatformWishes = {
    credentials: withCredentials ? 'include' : credentials,
    ...{ mode, cache, keepalive, priority, referrer, referrerPolicy, integrity },
  }
  return {
    // A URL object is no template. What stays a string must not become one either.
    url: URL.parse(urlWithParams, baseUri) ?? urlWithParams.replaceAll('{', '%7B'),
    method,
    headers: headersOf(request),
    body: bodyOf(request),
    wishes,
    redirect,
  }
}

function headersOf(request: HttpRequest<unknown>): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>
  for (const name of request.headers.keys()) headers[name] = request.headers.getAll(name)?.join(',') ?? ''
  if (!request.headers.has('accept')) headers['accept'] = ACCEPT
  if (!request.headers.has('content-type') && !isRaw(request.body)) {
    const type = request.detectContentTypeHeader()
    if (type !== null) headers['content-type'] = type
  }
  return headers
}

/** As Angular writes bodies, but for those that it would turn into the JSON of what they are not. */
function bodyOf(request: HttpRequest<unknown>): Body {
  const { body } = request
  return isRaw(body) ? (body as Body) : (request.serializeBody() as Body)
}

/** Bytes, streams and forms, whose content and type the client knows better than JSON. */
function isRaw(body: unknown): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    !(body instanceof HttpParams) &&
    (ArrayBuffer.isView(body) ||
      body instanceof ReadableStream ||
      body instanceof URLSearchParams ||
      isObservable(body) ||
      Symbol.asyncIterator in body)
  )
}
