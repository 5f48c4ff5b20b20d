/** The front door, `import … from 'sluice'`: the core, with the defaults of the platform behind it. */
import type { Observable, ObservableInput } from 'rxjs'
import type { recommended } from '#recommended'
import type { Client, ClientOptions } from './client.ts'
import { openClient, type Defaults } from './open-client.ts'
import type { AnyPlugin, OptionsOf } from './plugin.ts'
import { withClient } from './use-client.ts'

export * from './index.ts'
export { route, type RouteEngine, type RouteOptions } from './route.ts'
export { recommended } from '#recommended'

/** The plugins of a client that names none. */
export type Recommended = ReturnType<typeof recommended<readonly []>>

// Loaded with the first request, so that a client which names its engine and plugins carries no others along.
const defaults: Defaults = {
  engine: async () => (await import('#default-engine')).defaultEngine(),
  plugins: async () => (await import('#recommended')).recommended(),
}

/**
 * Makes a client. Its per-call options are those of the plugins it is given; a wrong one does not compile.
 *
 * Throws `HttpError` code `CONFIG` for an unknown option, a base url without a closing slash, and an order of plugins
 * that cannot mean what it says; the message tells what would have worked.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { undici } from 'sluice/engines/undici'
 * import { retry } from 'sluice/plugins/retry'
 *
 * const client = createClient({
 *   engine: undici({ connections: 8 }),
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [retry({ times: 3 })],
 * })
 * client.get('users/{id}', { params: { id: 7 }, retry: { times: 5 } }).subscribe(response => console.log(response.json()))
 * await client.close()
 * ```
 */
export function createClient<const P extends readonly AnyPlugin[] = Recommended>(
  options: ClientOptions<P> = {},
): Client<OptionsOf<P[number]>> {
  return openClient(options, defaults)
}

/**
 * Gives you a client for as long as the subscription lives: closed gracefully when your Observable completes,
 * cancelled when it fails or is unsubscribed.
 *
 * @example
 * ```ts
 * import { useClient } from 'sluice'
 *
 * useClient({ baseUrl: 'https://api.example.com/' }, client => client.get('users/7')).subscribe(response => console.log(response.status))
 * ```
 */
export function useClient<T, const P extends readonly AnyPlugin[] = Recommended>(
  options: ClientOptions<P>,
  use: (client: Client<OptionsOf<P[number]>>) => ObservableInput<T>,
): Observable<T> {
  return withClient(() => createClient(options), use)
}
