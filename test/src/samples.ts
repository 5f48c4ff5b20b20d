/** Values to test with: a request and an answer that need no client. */
import {
  HttpHeaders,
  HttpRequest,
  HttpResponse,
  type HeadersInit,
  type RequestFields,
  type ResponseHead,
} from '../../src/index.ts'

/** A GET of `https://api.test/users`, with what should be different. */
export function aRequest(change: Partial<RequestFields> = {}): HttpRequest {
  return new HttpRequest({
    id: 1,
    method: 'GET',
    url: 'https://api.test/users',
    headers: HttpHeaders.none,
    body: undefined,
    options: {},
    notes: undefined,
    ...change,
  })
}

/** The head of a 200, with what should be different. */
export function aHead(change: Partial<ResponseHead> = {}): ResponseHead {
  const request = change.request ?? aRequest()
  return {
    status: 200,
    statusText: 'OK',
    headers: HttpHeaders.none,
    httpVersion: '1.1',
    url: request.url,
    request,
    ...change,
  }
}

/** A whole answer with this body. */
export function aResponse(body: string | Uint8Array, headers: HeadersInit = {}, status = 200): HttpResponse {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return new HttpResponse({ head: aHead({ status, headers: HttpHeaders.of(headers) }), bytes })
}

/** Everything an iterable yields. */
export async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterable) items.push(item)
  return items
}
