/** The installed plugins of a client around its edge, and the options they take per call. */
import { compose, type Installed, type Ways } from './compose.ts'
import { hint } from './closest.ts'
import { shown } from './check.ts'
import { HttpError } from './errors.ts'
import { arrange } from './order.ts'
import { NO_PLUGIN_OPTIONS } from './prepare.ts'
import {
  checkPlugins,
  RESERVED,
  type AnyPlugin,
  type Handler,
  type Interceptor,
  type PluginContext,
  type Provided,
} from './plugin.ts'

/** What all plugins of a client are given. */
export type Surroundings = Omit<PluginContext, 'provide'>

/** Plugins around an edge, composed once. */
export class Stack {
  readonly ways: Ways
  readonly installed: readonly Installed[]
  readonly #edge: Handler

  private constructor(installed: readonly Installed[], edge: Handler) {
    this.installed = installed
    this.#edge = edge
    this.ways = compose(installed, edge)
  }

  /** Installs plugins in the order given. */
  static of(plugins: readonly AnyPlugin[], edge: Handler, context: Surroundings): Stack {
    return new Stack(
      plugins.map(plugin => install(plugin, context)),
      edge,
    )
  }

  /** Adds plugins where they belong, or puts them in the place of those of the same name; the others keep their state. */
  extend(plugins: readonly AnyPlugin[], context: Surroundings): Stack {
    const all = extended(this.plugins, plugins)
    if (plugins.length === 0) return this
    const own = new Map(this.installed.map(one => [one.plugin, one]))
    return new Stack(
      all.map(plugin => own.get(plugin) ?? install(plugin, context)),
      this.#edge,
    )
  }

  get plugins(): readonly AnyPlugin[] {
    return this.installed.map(({ plugin }) => plugin)
  }

  /** What one of the plugins does for a method of the client. */
  provided<K extends keyof Provided>(name: K): Provided[K] {
    return this.installed.find(({ provided }) => provided?.[name] !== undefined)?.provided?.[name]
  }

  /** Checks and merges the plugin options of a call. Throws `CONFIG` for one that nobody understands. */
  optionsOf(given: object): Readonly<Record<string, object | false>> {
    let merged: Record<string, object | false> | undefined
    for (const key of Object.keys(given)) {
      const value = (given as Readonly<Record<string, unknown>>)[key]
      if (value === undefined || RESERVED.includes(key)) continue
      const plugin = this.installed.find(one => one.plugin.name === key)?.plugin
      if (plugin === undefined) throw this.#unknown(key)
      merged ??= Object.create(null) as Record<string, object | false>
      merged[key] = value === false ? false : plugin.merge(asOptions(plugin, value))
    }
    return merged ?? NO_PLUGIN_OPTIONS
  }

  #unknown(key: string): HttpError {
    const names = [...RESERVED, ...this.installed.map(({ plugin }) => plugin.name)]
    const end = hint(key, names, `Known are ${names.join(', ')}; is the plugin installed?`)
    return new HttpError('CONFIG', `No plugin of this client has the name ${JSON.stringify(key)}. ${end}`, {
      phase: 'config',
    })
  }
}

/** Adds plugins where they belong, or puts them in the place of those of the same name. Throws `CONFIG` when that cannot be. */
export function extended(plugins: readonly AnyPlugin[], added: readonly AnyPlugin[]): readonly AnyPlugin[] {
  checkPlugins(added)
  if (added.length === 0) return plugins
  const replaced = plugins.map(old => added.find(({ name }) => name === old.name) ?? old)
  return arrange([...replaced, ...added.filter(plugin => !replaced.includes(plugin))])
}

function install(plugin: AnyPlugin, surroundings: Surroundings): Installed {
  let provided: Provided | undefined
  const context: PluginContext = {
    ...surroundings,
    provide(given) {
      provided = { ...provided, ...given }
    },
  }
  const intercept = plugin.install(context, plugin.options as never) as Interceptor<object>
  return { plugin, intercept, provided }
}

/** A list or a URL is an object too, but never one of options. */
function asOptions({ name, short }: AnyPlugin, value: unknown): object {
  const alone = typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof URL
  if (!alone) return value
  if (short !== undefined) return { [short]: value }
  if (typeof value === 'object' && value !== null) return value
  throw new HttpError(
    'CONFIG',
    `The option ${name} must be an object, or false to leave the plugin out of this call, not ${shown(value)}.`,
    { phase: 'config' },
  )
}
