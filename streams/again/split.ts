/** Options that stand beside those of a call. */
import { type Check, config, shown } from '../../src/index.ts'
import type { Call } from './asked.ts'
import { settle } from './settings.ts'

/** What is wanted of each option. */
export type Checks<T> = { readonly [K in keyof T]-?: Check }

/**
 * Takes from `given` the options that `checks` name, checked and filled with `defaults`; all others are those of the call, which the
 * client checks. Throws `CONFIG` for what cannot be and for what is missing of `required`.
 */
export function split<T extends object>(
  what: string,
  given: object | undefined,
  defaults: T,
  checks: Checks<T>,
  required: readonly (string & keyof T)[] = [],
): { readonly settled: T; readonly call: Call } {
  if (given !== undefined && (typeof given !== 'object' || (given as object | null) === null)) {
    throw config(`The options of ${what} must be an object, not ${shown(given)}.`)
  }
  const fields = Object.entries(given ?? {})
  const settled = settle(
    what,
    defaults,
    checks,
    Object.fromEntries(fields.filter(([name]) => Object.hasOwn(checks, name))),
  )
  for (const name of required) {
    const wanted = settled[name] === undefined ? checks[name](undefined) : undefined
    if (wanted !== undefined) throw config(`${what}: ${name} must be ${wanted}; it has to be given.`)
  }
  const call = Object.fromEntries(fields.filter(([name]) => !Object.hasOwn(checks, name)))
  // Without a prototype: nobody may put a header or a method on it.
  return { settled, call: Object.assign(Object.create(null) as Call, call) }
}
