/** Stands in for the default engine on platforms that have none yet. */
import type { EngineFactory } from './engine.ts'
import { HttpError } from './errors.ts'

/** Explains what to do. */
export function defaultEngine(): EngineFactory {
  throw new HttpError('UNSUPPORTED', 'This platform has no default engine; give one, as in createClient({ engine }).', {
    phase: 'config',
  })
}
