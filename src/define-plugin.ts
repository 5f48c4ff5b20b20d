/** Makes a plugin out of what its author says of it, and merges its options: defaults ← client ← call. */
import { shown, type Check } from './check.ts'
import { hint } from './closest.ts'
import { config, type HttpError } from './errors.ts'
import { own } from './own.ts'
import { RESERVED, SCOPES, type Plugin, type PluginFactory, type PluginSpec } from './plugin.ts'
import { inspectAsJson, isSensitive } from './redact.ts'

/**
 * Defines a plugin: what it is called, where it stands, what options it has, what it does.
 *
 * @example
 * ```ts
 * import { createClient, definePlugin } from 'sluice'
 *
 * const language = definePlugin({
 *   name: 'language',
 *   scope: 'attempt',
 *   defaults: { tag: 'en' },
 *   install: () => (request, next, { tag }) => next(request.header('accept-language', tag)),
 * })
 *
 * const client = createClient({ plugins: [language({ tag: 'de' })] })
 * client.get('https://api.example.com/echo', { language: { tag: 'fr' } }).subscribe(response => console.log(response.status))
 * ```
 */
export function definePlugin<
  const Name extends string,
  Options extends object,
  const Short extends keyof Options & string = never,
>(spec: PluginSpec<Name, Options, Short>): PluginFactory<Name, Options, Short> {
  const mine = own(spec)
  const { name, scope, inside = {}, install, defaults, short, values } = mine
  checkSpec(mine)
  const make = (options: Options): Plugin<Name, Options, Short> => {
    const merge = (given: object): Options => overlay(mine, options, given)
    const more = { ...(short === undefined ? {} : { short }), ...(values === true ? { values } : {}) }
    const made = { name, scope, inside, options, install, merge, ...more }
    // Whoever prints a list of plugins wants its order; the options may be passwords.
    Object.defineProperty(made, 'toJSON', { value: () => ({ name, scope, inside }) })
    inspectAsJson(made as typeof made & { toJSON(): unknown })
    return Object.freeze(made)
  }
  return (given = {}) => make(overlay(mine, defaults, given))
}

function checkSpec<Options extends object>({ name, scope, install, defaults, short }: Checked<Options>): void {
  if (typeof name !== 'string' || !/^[a-z]\w*$/i.test(name) || RESERVED.includes(name)) {
    throw config(
      `A plugin cannot have the name ${shown(name)}; its options are given by it, as in get(url, { name: … }), beside ${RESERVED.join(', ')}.`,
    )
  }
  if (!SCOPES.includes(scope)) throw config(`The scope of ${name} must be ${SCOPES.join(', ')}, not ${shown(scope)}.`)
  if (typeof install !== 'function') throw config(`install of ${name} must be a function, not ${shown(install)}.`)
  if (typeof defaults !== 'object' || (defaults as object | null) === null) {
    throw config(`The defaults of ${name} must be an object that lists its options, not ${shown(defaults)}.`)
  }
  if (short !== undefined && !Object.hasOwn(defaults, short)) {
    throw config(`The option a call of ${name} may give alone must be one it has, not ${shown(short)}.`)
  }
}

type Checked<Options extends object> = Omit<PluginSpec<string, Options>, 'short'> & {
  readonly short?: string | undefined
}

function overlay<Options extends object>(spec: Overlaid<Options>, under: Options, given: object): Options {
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw config(`The options of ${spec.name} must be an object, not ${shown(given)}.`)
  }
  const merged = own(under)
  const check: Readonly<Partial<Record<string, Check>>> = spec.check ?? {}
  for (const [key, value] of Object.entries(given as Record<string, unknown>)) {
    if (!Object.hasOwn(spec.defaults, key)) throw unknownOption(spec.name, key, Object.keys(spec.defaults))
    if (value === undefined) continue
    const wanted = Object.hasOwn(check, key) ? check[key]?.(value) : undefined
    if (wanted !== undefined) {
      const what = isSensitive(key) ? `what was given (a value of type ${typeof value})` : shown(value)
      throw config(`${spec.name}({ ${key} }) must be ${wanted}, not ${what}.`)
    }
    ;(merged as Record<string, unknown>)[key] = value
  }
  return Object.freeze(merged)
}

type Overlaid<Options extends object> = Pick<PluginSpec<string, Options>, 'name' | 'defaults' | 'check'>

function unknownOption(plugin: string, key: string, known: readonly string[]): HttpError {
  const all = `It has ${known.length === 0 ? 'no options' : known.join(', ')}.`
  return config(`${plugin} has no option ${JSON.stringify(key)}. ${hint(key, known, all)}`)
}
