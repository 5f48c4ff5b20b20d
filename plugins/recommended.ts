/** The usual list of plugins, in an order that works. */
import { arrange, type AnyPlugin } from '../src/index.ts'

/** Gives the usual plugins, with `extra` ones put where they belong. */
export function recommended<const Extra extends readonly AnyPlugin[]>(...extra: Extra): readonly Extra[number][] {
  return arrange<Extra[number]>(extra)
}
