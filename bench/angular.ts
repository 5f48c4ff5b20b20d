/** Angular's HttpClient as it comes, on its fetch backend, without an application around it. */
import '@angular/compiler'
import { HttpClient, provideHttpClient } from '@angular/common/http'
import {
  createEnvironmentInjector,
  DOCUMENT,
  platformCore,
  provideZonelessChangeDetection,
  ɵINJECTOR_SCOPE as INJECTOR_SCOPE,
  type EnvironmentInjector,
} from '@angular/core'

/** Makes one; the environment it needs is the least there is. */
export function angularClient(): HttpClient {
  const root = { provide: INJECTOR_SCOPE, useValue: 'root' }
  const document = { provide: DOCUMENT, useValue: { cookie: '' } }
  const providers = [root, document, provideZonelessChangeDetection(), provideHttpClient()]
  const parent: unknown = platformCore().injector
  return createEnvironmentInjector(providers, parent as EnvironmentInjector).get(HttpClient)
}
