/** What a reader was given: a projector alone, or options by name. */
import { callback, type Check, config, optional, shown } from '../../src/index.ts'
import type { ItemOptions } from './items.ts'

const places: Check = value =>
  Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of at least 1'

/** The checks of what all readers of items can be told. */
export const ITEM_CHECKS: Readonly<Record<keyof ItemOptions<unknown, unknown>, Check>> = {
  project: optional(callback),
  concurrency: optional(places),
}

/**
 * Reads the options of a reader, each once and only its own. A function stands for `{ project }`. Throws `CONFIG` for an option
 * that has no check here, and for one that fails its check.
 */
export function optionsOf<O extends object>(
  reader: string,
  given: unknown,
  checks: Readonly<Record<keyof O & string, Check>>,
): Partial<O> {
  const options = Object.create(null) as Record<string, unknown>
  if (given === undefined) return options as Partial<O>
  if (typeof given !== 'function' && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw config(`${reader}() is given a function or an object of options, not ${shown(given)}.`)
  }
  for (const [name, value] of typeof given === 'function' ? [['project', given] as const] : Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(', ')
      throw config(`${reader}() has no option ${JSON.stringify(name)}. It has ${known}.`)
    }
    const wanted = checks[name as keyof O & string](value)
    if (wanted !== undefined) throw config(`${reader}({ ${name} }) must be ${wanted}, not ${shown(value)}.`)
    options[name] = value
  }
  return options as Partial<O>
}
