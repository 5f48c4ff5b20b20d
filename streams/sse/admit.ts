/** Which answers are event streams, and what a request for one says. */
import { from, throwError, type Observable } from 'rxjs'
import {
  describe,
  HttpError,
  HttpHeaders,
  HttpResponse,
  refused,
  refusedLive,
  type HttpRequest,
  type StreamingResponse,
} from '../../src/index.ts'
import { worthAnotherTry } from '../again/worth.ts'

const ASKED = HttpHeaders.of({ accept: 'text/event-stream' })
const FRESH = HttpHeaders.of({ 'cache-control': 'no-cache' })

/** The request of an event stream: the standard wants no cache in between. */
export function asking(request: HttpRequest): HttpRequest {
  const { headers } = request
  // Across origins a browser would have to ask the server whether it may say so, and its own cache is told by the engine's `cache`.
  return request.with({ headers: headers.fill(ASKED).fill(isBrowser() ? HttpHeaders.none : FRESH) })
}

function isBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}

/**
 * What keeps an answer from being an event stream: a status that is not 200, or another content type (WHATWG HTML §9.2.3).
 * 204 is no error, it is the end. An error that may pass does not wait for its body.
 */
export function refusal(response: StreamingResponse): HttpError | Promise<HttpError> | undefined {
  if (response.status !== 200) {
    const error = refused(new HttpResponse({ head: response.head, bytes: new Uint8Array(0) }))
    return worthAnotherTry(error) ? error : refusedLive(response)
  }
  const type = response.headers.get('content-type')
  if (type !== undefined && /^\s*text\/event-stream\s*(?:;|$)/i.test(type)) return undefined
  const { request } = response
  const said = type === undefined ? 'no content type' : `content type ${JSON.stringify(type.slice(0, 80))}`
  return new HttpError(
    'BODY',
    `${describe(request, request.attempt)} was answered with ${said}, not with text/event-stream.`,
    { phase: 'headers', request, attempt: request.attempt, requestWritten: 'yes' },
  )
}

/** Fails with a refusal: at once where it does not wait for a body. */
export function failing(refused: HttpError | Promise<HttpError>): Observable<never> {
  return refused instanceof Promise ? from(thrown(refused)) : throwError(() => refused)
}

async function thrown(error: Promise<HttpError>): Promise<never> {
  throw await error
}
