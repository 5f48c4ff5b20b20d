/** Our client in Angular: behind `HttpClient`, and by itself. */
import { HttpBackend } from '@angular/common/http'
import { DestroyRef, DOCUMENT, inject, makeEnvironmentProviders, type EnvironmentProviders } from '@angular/core'
import { createClient, type AnyPlugin, type ClientOptions } from '../src/main.ts'
import { SluiceBackend } from './angular/backend.ts'
import { SLUICE } from './angular/tokens.ts'

export { fromAngular, type FromAngularOptions } from './angular/interceptor.ts'
export { withSluiceOptions } from './angular/options.ts'
export {
  injectStream,
  sseResource,
  streamResource,
  type StreamCall,
  type StreamResourceOptions,
} from './angular/resources.ts'
export { SLUICE } from './angular/tokens.ts'

/**
 * Puts a client behind `HttpClient`, and gives it to whoever injects {@link SLUICE}. Existing code stays as it is: interceptors,
 * `httpResource`, XSRF, the transfer cache and `HttpTestingController` keep working; the engine and the plugins below them
 * are those of the client. Give `options` as a function to `inject()` in it.
 *
 * Put it behind `provideHttpClient()`, whose backend it replaces. The client is cancelled when its injector is destroyed.
 *
 * What differs from Angular's own backends: bytes, streams and `URLSearchParams` are sent as what they are, and not as JSON text;
 * uploads report their progress where the engine can; what is no answer has the status 0 as always, and an `HttpError`
 * with code and phase in `error.error`.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { SLUICE } from 'sluice/angular'
 *
 * // bootstrapApplication(App, { providers: [provideHttpClient(withInterceptors([...])), provideSluice({ plugins: recommended() })] })
 * console.log(String(SLUICE)) // InjectionToken sluice
 * ```
 */
export function provideSluice<const P extends readonly AnyPlugin[]>(
  options: ClientOptions<P> | (() => ClientOptions<P>) = {},
): EnvironmentProviders {
  return makeEnvironmentProviders([
    {
      provide: SLUICE,
      useFactory: () => {
        const client = createClient(typeof options === 'function' ? options() : options)
        inject(DestroyRef).onDestroy(() => {
          // First whoever ends with the injector by itself: to them the end is no error.
          queueMicrotask(() => {
            client.unsubscribe()
          })
        })
        return client
      },
    },
    { provide: HttpBackend, useFactory: () => new SluiceBackend(inject(SLUICE), baseUri()) },
  ])
}

/** The page, for its relative urls. */
function baseUri(): string | undefined {
  const { baseURI } = inject(DOCUMENT) as { readonly baseURI?: string }
  return baseURI !== undefined && /^https?:/.test(baseURI) ? baseURI : undefined
}
