/** Options of what is built on a client: checked where they are given, safe from what somebody put on a prototype. */
import { type Check, config, shown } from '../../src/index.ts'

/**
 * Takes from `given` what `defaults` name, each value checked; what is `undefined` stays at its default. Throws `CONFIG` that
 * says what would have been right. With `exact`, names it does not know are refused too.
 */
export function settle<T extends object>(
  what: string,
  defaults: T,
  checks: { readonly [K in keyof T]-?: Check },
  given: object | undefined,
  exact = true,
): T {
  const settled: T = Object.assign(Object.create(null) as T, defaults)
  if (given === undefined) return settled
  if (typeof given !== 'object' || (given as object | null) === null || Array.isArray(given)) {
    throw config(`The options of ${what} must be an object, not ${shown(given)}.`)
  }
  for (const [name, value] of Object.entries(given) as [string & keyof T, T[string & keyof T]][]) {
    if (!Object.hasOwn(checks, name)) {
      if (exact)
        throw config(`${what} has no option ${JSON.stringify(name)}. It has ${Object.keys(checks).join(', ')}.`)
      continue
    }
    if (value === undefined) continue
    const wanted = checks[name](value)
    if (wanted !== undefined) throw config(`${what}: ${name} must be ${wanted}, not ${shown(value)}.`)
    settled[name] = value
  }
  return settled
}
