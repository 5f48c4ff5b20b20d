/** What the parts of the engine need to know of the options. */
import type { KeepSettings } from '../pool/options.ts'
import type { PoolSettings } from '../pool/settings.ts'
import type { UndiciInterceptor } from './interceptors.ts'

/** The options of the engine that are not those of connecting, with every default filled in. */
export interface Settings extends PoolSettings, KeepSettings {
  /** Interceptors around each client, the first one outermost. */
  readonly compose?: readonly UndiciInterceptor[] | undefined
}
