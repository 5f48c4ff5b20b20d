/** `fetch` as oauth4webapi wants it, through the plugins further in of the client that needs a token. */
import { filter, map, Observable, Subscription } from 'rxjs'
import type { HttpResponse } from '../../src/index.ts'
import {
  config,
  describe,
  gather,
  HttpError,
  HttpHeaders,
  HttpRequest,
  MOST_BYTES,
  prepareBody,
  redactUrl,
  type Handler,
} from '../../src/index.ts'
import { within } from '../auth/within.ts'

/** The `fetch` of oauth4webapi. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

interface FetchInit {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What a request to the authorization server goes through. */
export interface Door {
  readonly id: number
  readonly next: Handler
  readonly timeout: number | false
  readonly allowInsecure: boolean
}

/** The last answer, for errors. */
export interface Trail {
  request?: HttpRequest
  response?: HttpResponse
}

/** An answer of an authorization server is a few hundred bytes. */
const MOST = 1024 * 1024
const NO_OPTIONS = Object.freeze(Object.create(null) as Record<string, never>)

/** Runs what speaks to the authorization server in promises. Leaving ends the request that is under way, and no other one follows. */
export function speaking<T>(door: Door, work: (fetch: Fetch, trail: Trail) => Promise<T>): Observable<T> {
  return new Observable(subscriber => {
    const until = new Subscription()
    const trail: Trail = {}
    work((url, init) => fetched(door, url, init, until, trail), trail).then(
      value => {
        subscriber.next(value)
        subscriber.complete()
      },
      (error: unknown) => {
        subscriber.error(error)
      },
    )
    return until
  })
}

function fetched(door: Door, url: string, init: FetchInit, until: Subscription, trail: Trail): Promise<Response> {
  return new Promise((resolve, reject) => {
    if (until.closed) return
    const request = requestOf(door, url, init)
    trail.request = request
    // Whole, also in a client that is reading another answer as it comes.
    const answer = gather(request, door.next(request)).pipe(
      filter(event => event.type === 'response'),
      map(({ response }) => {
        trail.response = response
        return platformResponse(response)
      }),
      within(door.timeout, () => late(request, door)),
    )
    until.add(answer.subscribe({ next: resolve, error: reject }))
  })
}

function requestOf({ id, allowInsecure }: Door, url: string, { method, headers, body }: FetchInit): HttpRequest {
  const { protocol, hostname, href } = new URL(url)
  if (protocol !== 'https:' && !allowInsecure && !isThisMachine(hostname)) {
    throw config(
      `oauth2 does not send secrets over http to ${redactUrl(url)}; use https, or oauth2({ allowInsecureRequests: true }) where nobody can read along.`,
    )
  }
  // Who asks is said by the plugin userAgent.
  const { 'user-agent': _, ...sent } = headers
  return new HttpRequest({
    id,
    method,
    url: href,
    headers: HttpHeaders.of(sent),
    body: body === undefined ? undefined : prepareBody(body as URLSearchParams).body,
    options: NO_OPTIONS,
    notes: undefined,
  }).note(MOST_BYTES, MOST)
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function late(request: HttpRequest, { timeout }: Door): HttpError {
  return new HttpError('TIMEOUT', `${describe(request)}, asked for a token, took longer than ${String(timeout)} ms.`, {
    phase: 'attempt',
    request,
  })
}

/** The same answer as the platform writes it. Throws for a status or a field that cannot be there. */
function platformResponse({ status, headers, bytes, request }: HttpResponse): Response {
  try {
    const bare = status === 204 || status === 205 || status === 304
    return new Response(bare ? null : (bytes as Uint8Array<ArrayBuffer>), {
      status,
      headers: [...headers].map(([...pair]) => pair),
    })
  } catch {
    throw new HttpError('PROTOCOL', `The answer to ${describe(request)} is not one an authorization server can give.`, {
      phase: 'headers',
      request,
    })
  }
}
