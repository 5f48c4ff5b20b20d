/** One request of several, and where its answer came from. */
import { defer, mergeMap, type Observable } from 'rxjs'
import type { CallOptions, Client, HttpResponse, MethodOption, Url } from '../../src/index.ts'

/** The options of a call, those of plugins among them. */
export type Call = CallOptions<Url, MethodOption>

/** A whole answer. */
export interface Asked {
  readonly response: HttpResponse
  /** Where it was asked for, before redirects. Parts of the query may be redacted. */
  readonly url: string
  readonly redirected: boolean
}

/** Asks for the whole answer, cold as every call. */
export function ask(client: Client, url: Url, call: Call): Observable<Asked> {
  return defer(() => {
    let from: string | undefined
    return client.events(url, call).pipe(
      mergeMap(event => {
        // What the redirect plugin says of its first step; a platform that follows by itself shows another url.
        if (event.type === 'notice' && event.plugin === 'redirect' && event.name === 'following') {
          from ??= String(event.detail['from'])
        }
        if (event.type !== 'response') return []
        const { response } = event
        const { url: sent } = response.request
        return [{ response, url: from ?? sent, redirected: from !== undefined || response.url !== sent }]
      }),
    )
  })
}
