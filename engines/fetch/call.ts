/** What `fetch` is called with. */
import { PLATFORM, type HttpRequest } from '../../src/index.ts'
import { fieldsOf } from '../platform/request.ts'
import type { Abilities } from './abilities.ts'

/** What all exchanges of an engine share. */
export interface Setting {
  readonly abilities: Abilities
  /** The `fetch` to call. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Options that are passed on as they are. */
  readonly init: RequestInit
  /** Passed on with a body that is a stream. */
  readonly duplex: string
}

/** Calls it. What it throws is a rejection. */
export async function call(
  { fetch, init, duplex, abilities }: Setting,
  request: HttpRequest,
  body: BodyInit | null,
  signal: AbortSignal,
): Promise<Response> {
  const streamed = body instanceof ReadableStream
  const wanted: RequestInit = Object.assign(Object.create(null) as RequestInit, init, wishesOf(request), {
    method: request.method,
    // The length of what is not a stream the platform finds out itself, and a browser lets nobody else say it.
    headers: fieldsOf(request, streamed && !abilities.strict),
    body,
    signal,
    ...(streamed ? { duplex } : undefined),
  })
  return fetch(request.url, wanted)
}

/** What one request wants of the platform; what it does not say must not undo what the engine says. */
function wishesOf(request: HttpRequest): RequestInit {
  const wishes = request.read(PLATFORM)
  if (wishes === undefined) return {}
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined))
}
