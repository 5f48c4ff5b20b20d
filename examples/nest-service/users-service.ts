/** A NestJS provider. Its decorators are comments here: Node strips types, and runs no decorators. */
import { map, type Observable } from 'rxjs'
import { createClient, recommended, type Client } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { eventSource } from 'sluice/streams/sse'

export type User = { readonly id: number; readonly name: string }

/** The one owner of its client: made with the module, ended with it. */
// @Injectable()
export class UsersService /* implements OnModuleDestroy */ {
  readonly #http: Client

  constructor(/* @Inject(USERS_URL) */ baseUrl: string) {
    this.#http = createClient({ baseUrl, plugins: recommended(expectSuccess()) })
  }

  /** A controller returns it as it is: Nest subscribes, and only then a request is sent. */
  find(id: number): Observable<User> {
    return this.#http.get('users/{id}', { params: { id } }).pipe(map(response => response.json<User>()))
  }

  /** For `@Sse()`: when the browser goes, Nest unsubscribes, and the connection behind it ends, too. */
  changes(): Observable<{ readonly data: string }> {
    return eventSource(this.#http, 'users/changes').pipe(map(({ data }) => ({ data })))
  }

  /** Nest waits for it: calls have 5 s to end, event streams complete, no socket is left. SIGTERM needs `app.enableShutdownHooks()`. */
  async onModuleDestroy(): Promise<void> {
    await this.#http.close({ drain: 5_000 })
  }
}
