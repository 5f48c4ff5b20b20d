/** Options of stores: checked once, when a store is made. */
import { config, shown } from '../../src/index.ts'

/** Reads a number of bytes above 0. Throws `CONFIG` for anything else. */
export function bytesOf(store: string, name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number
  throw config(`${store}({ ${name} }) must be a whole number of bytes above 0, not ${shown(value)}.`)
}

/** Reads options. Throws `CONFIG` for what are none, and for one that is not known. */
export function optionsOf<T extends object>(store: string, given: T, defaults: T): T {
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw config(`The options of ${store} must be an object, not ${shown(given)}.`)
  }
  const options = Object.assign(Object.create(null) as T, defaults)
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) {
      throw config(`${store} has no option ${JSON.stringify(name)}. It has ${Object.keys(defaults).join(', ')}.`)
    }
    if (value !== undefined) (options as Record<string, unknown>)[name] = value
  }
  return options
}
