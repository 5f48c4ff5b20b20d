/** A search while somebody types. */
import { catchError, debounceTime, distinctUntilChanged, EMPTY, map, switchMap, type Observable } from 'rxjs'
import type { Client } from 'sluice'

/** What is found for the latest text. The search before it is cut off at the socket: the server can stop, too. */
export function typeahead(client: Client, typed: Observable<string>): Observable<readonly string[]> {
  return typed.pipe(
    debounceTime(100),
    distinctUntilChanged(),
    switchMap(q =>
      client.get('search', { query: { q } }).pipe(
        map(response => response.json<readonly string[]>()),
        // In here: one search that fails changes nothing on the screen, and the next one is heard.
        catchError(() => EMPTY),
      ),
    ),
  )
}
