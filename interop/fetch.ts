/** Our client behind the function everyone knows, and anybody's function behind our client. */
import { fetch as engine, type FetchOptions } from '../engines/fetch.ts'
import type { Client, EngineFactory } from '../src/index.ts'
import { Fetching } from './fetch/fetching.ts'
import { verified } from './fetch/integrity.ts'
import { requestOf } from './fetch/outgoing.ts'

/**
 * Makes a `fetch` that sends through a client: its engine, its plugins, its shutdown. For what takes a `fetch` of yours:
 * ky, ofetch, openapi-fetch, Octokit, the SDKs of OpenAI and Anthropic, clients of GraphQL.
 *
 * It behaves as the Fetch standard says as far as a client can: what `Request` refuses is a `TypeError` before anything is
 * sent; an abort rejects with the very reason of the signal, in every phase, and ends the exchange at the socket; bodies stream
 * in both directions and hold the peer back; a failed exchange is `TypeError('fetch failed')` with our `HttpError` as `cause`,
 * one that breaks off in the body `TypeError('terminated')`; `redirect: 'manual'` gives the redirect itself, as Node does;
 * `cache` is said with `Cache-Control` to the plugin `cache` and to caches on the way; `integrity` is verified before the answer
 * is given. `data:` and `blob:` urls are left to the platform. An answer that is dropped unread ends its exchange when it is
 * collected; `await response.body?.cancel()` does so at once.
 *
 * Left to the client: cookies (`credentials`), and where redirects may go (the plugin `redirect`; without it one that was to be
 * followed is a `TypeError`). `mode`, `referrer`, `keepalive` and `priority` mean something to browsers only and are not
 * looked at. Fields of the connection (`Connection`, `Content-Length`, …) are dropped, as browsers do. An `expectSuccess()` of
 * the client does not reach the caller: a status is a value here.
 *
 * Plugins do what they do for every call: do not retry in the client and in the SDK at once.
 *
 * Source: Fetch standard (WHATWG).
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { toFetch } from 'sluice/fetch'
 *
 * const client = createClient()
 * const fetch = toFetch(client)
 * const response = await fetch('https://api.example.com/users/7', { signal: AbortSignal.timeout(5_000) })
 * console.log(response.ok, response.redirected) // true false
 * await response.json()
 * await client.close()
 * ```
 */
export function toFetch(client: Client): typeof globalThis.fetch {
  // Whoever has the function names whole urls; the base url of the client is not meant to hold them back.
  const open = client.extend({ confine: false })
  return async (input, init) => {
    const request = requestOf(input, init)
    if (/^(?:data|blob):/.test(request.url)) return globalThis.fetch(input, init)
    const response = await new Promise<Response>((resolve, reject) => {
      new Fetching(open, request, { resolve, reject }).send()
    })
    return request.integrity === '' ? response : verified(response, request.integrity)
  }
}

/**
 * Makes an engine of any `fetch`: one of a platform we do not know, of a test (MSW), of a framework that adds its own. The
 * other options are those of `sluice/engines/fetch`, whose capabilities and limits are this one's too.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { fromFetch } from 'sluice/fetch'
 *
 * const teapot = async () => new Response('short and stout', { status: 418 })
 * const client = createClient({ engine: fromFetch(teapot) })
 * client.get('https://api.example.com/tea').subscribe(response => console.log(response.status)) // 418
 * ```
 */
export function fromFetch(
  fetch: NonNullable<FetchOptions['fetch']>,
  options: Omit<FetchOptions, 'fetch'> = {},
): EngineFactory {
  return engine({ ...options, fetch })
}
