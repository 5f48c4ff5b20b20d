/** The events of many servers as one stream. */
import { catchError, map, merge, of, type Observable } from 'rxjs'
import { isHttpError, type Client } from 'sluice'
import { eventSource } from 'sluice/streams/sse'

type News = { readonly from: string; readonly data: string }

/**
 * One connection to each. A server that breaks off is connected again, and asked for what came meanwhile; one that will have
 * none of it (404, 403, no event stream) is told of, and stops no other. Leaving closes all connections.
 */
export function fanIn(client: Client, urls: readonly string[]): Observable<News> {
  const sources = urls.map(url =>
    eventSource(client, url, { reconnect: { first: 100 } }).pipe(
      map(({ data }) => data),
      catchError((error: unknown) => of(`is lost: ${isHttpError(error) ? error.code : String(error)}`)),
      map(data => ({ from: url, data })),
    ),
  )
  return merge(...sources)
}
