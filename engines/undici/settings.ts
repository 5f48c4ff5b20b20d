/** What the parts of the engine need to know of the options. */
import type { PoolSettings } from '../pool/settings.ts'
import type { UndiciInterceptor } from './interceptors.ts'

/** The options of the engine that are not those of connecting, with every default filled in. */
export interface Settings extends PoolSettings {
  readonly keepAlive: number | false
  /** The same where the server announces how long it keeps the connection. */
  readonly keepAliveAnnounced: number | false
  readonly maxHeaderSize: number
  /** Interceptors around each client, the first one outermost. */
  readonly compose?: readonly UndiciInterceptor[] | undefined
}
