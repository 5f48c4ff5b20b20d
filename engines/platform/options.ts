/** How the options of engines on the platform's own stack are checked; nothing here needs Node. */
import { type Check, config, optional, shown } from '../../src/index.ts'

/**
 * What was given and nothing that a polluted `Object.prototype` adds. Throws `CONFIG`, saying what would have been right,
 * for a wrong value and an unknown name.
 */
export function checked<T extends object>(where: string, given: T, checks: Readonly<Record<keyof T, Check>>): T {
  const options = Object.assign(Object.create(null) as T, given)
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw config(`${where} has no option ${JSON.stringify(name)}; it has ${Object.keys(checks).join(', ')}.`)
    }
    const wanted = optional(checks[name as keyof T])(value)
    if (wanted !== undefined) throw config(`The option ${name} of ${where} must be ${wanted}, not ${shown(value)}.`)
  }
  return options
}
