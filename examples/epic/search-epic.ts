/** An epic of redux-observable: actions in, actions out. */
import { catchError, filter, map, of, switchMap, takeUntil, type Observable } from 'rxjs'
import { isHttpError, type Client } from 'sluice'

export type Action =
  | { readonly type: 'search'; readonly text: string }
  | { readonly type: 'leave' }
  | { readonly type: 'found'; readonly names: readonly string[] }
  | { readonly type: 'failed'; readonly why: string }

/** `createEpicMiddleware({ dependencies: { http } })` hands the client in. */
export function searchEpic(
  actions: Observable<Action>,
  _state: unknown,
  { http }: { readonly http: Client },
): Observable<Action> {
  const left = actions.pipe(filter(({ type }) => type === 'leave'))
  return actions.pipe(
    filter(action => action.type === 'search'),
    // The next search takes the place of the last one, whose request is cut off at the socket.
    switchMap(({ text }) =>
      http.get('search', { query: { q: text } }).pipe(
        map((response): Action => ({ type: 'found', names: response.json<string[]>() })),
        // In here: an error that gets out ends the epic, and the next search would not be heard.
        catchError((error: unknown) => of<Action>({ type: 'failed', why: isHttpError(error) ? error.code : 'a bug' })),
        takeUntil(left),
      ),
    ),
  )
}
