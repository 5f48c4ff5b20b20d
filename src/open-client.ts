/** Makes clients: checks what a user gave and puts plugins, engine and lifetime together. */
import { flag, shown } from './check.ts'
import type { ChildOptions, Client, ClientOptions } from './client.ts'
import { hint } from './closest.ts'
import { edge } from './edge.ts'
import type { Engine, EngineFactory } from './engine.ts'
import { config } from './errors.ts'
import type { Parts } from './execute.ts'
import { Lazy } from './lazy.ts'
import { Lifetime } from './lifetime.ts'
import { OpenClient } from './opened-client.ts'
import { checkOrder } from './order.ts'
import { own } from './own.ts'
import type { AnyPlugin } from './plugin.ts'
import { extended, Stack, type Surroundings } from './stack.ts'
import { parseBase, type BaseUrl } from './url.ts'
import { Watching } from './watching.ts'

/** Where a client gets what its user left out; both are asked with the first request. */
export interface Defaults {
  engine(): Promise<EngineFactory>
  plugins(): Promise<readonly AnyPlugin[]>
}

/** Makes a client. Throws `CONFIG` for a wrong option, a wrong base url and an order of plugins that cannot work. */
export function openClient(given: ClientOptions, defaults: Defaults): Client {
  const { engine: made, baseUrl, confine = true, plugins } = checked('createClient', given, CLIENT_OPTIONS)
  const base = baseUrl === undefined ? undefined : parseBase(baseUrl, confine)
  if (plugins !== undefined) checkOrder(plugins)
  const lifetime = new Lifetime()
  const engine = openEngine(made, defaults, lifetime)
  const watching = new Watching(engine, lifetime.released)
  const build = (ready: Engine, list: readonly AnyPlugin[]): Stack =>
    Stack.of(list, edge(ready), contextOf(lifetime, watching, ready, base))
  const stack = atOnce(lifetime, () =>
    engine.now !== undefined && plugins !== undefined
      ? Lazy.of(build(engine.now, plugins))
      : new Lazy(async () => {
          const [ready, list] = await Promise.all([engine.load(), plugins ?? defaults.plugins()])
          return build(ready, list)
        }),
  )
  let ids = 0
  const encoder = encoderOf(plugins)
  return new OpenClient(
    { base, planned: plugins, encoder, stack, engine, lifetime, watching, nextId: () => ++ids },
    childOf,
  )
}

/** Makes the parts of a child: its own lifetime, plugins and base url on the engine of its parent. */
function childOf(parent: Parts, given: ChildOptions): Parts {
  const options = checked('extend', given, CHILD_OPTIONS)
  const { engine, nextId } = parent
  const base = childBase(parent.base, options)
  const lifetime = new Lifetime(parent.lifetime)
  const watching = new Watching(engine, lifetime.released, parent.watching)
  const build = (stack: Stack, ready: Engine): Stack =>
    stack.extend(options.plugins ?? [], contextOf(lifetime, watching, ready, base))
  const planned = atOnce(lifetime, () => parent.planned && extended(parent.planned, options.plugins ?? []))
  const stack = atOnce(lifetime, () =>
    parent.stack.now && engine.now
      ? Lazy.of(build(parent.stack.now, engine.now))
      : new Lazy(async () => build(await parent.stack.load(), await engine.load())),
  )
  const encoder = encoderOf(options.plugins) ?? parent.encoder
  return { base, planned, encoder, stack, engine, lifetime, watching, nextId }
}

/** The usual plugins send plain values as JSON: one that encodes them is among those that were given. */
function encoderOf(plugins: readonly AnyPlugin[] = []): string | undefined {
  return plugins.find(plugin => Object.hasOwn(plugin, 'values') && plugin.values === true)?.name
}

/** A plugin that cannot be installed leaves nothing behind that is open. */
function atOnce<T>(lifetime: Lifetime, build: () => T): T {
  try {
    return build()
  } catch (error) {
    lifetime.cancel(error)
    throw error
  }
}

/** An engine made here is released with the client; one that was handed in is not. */
function openEngine(given: Engine | EngineFactory | undefined, defaults: Defaults, lifetime: Lifetime): Lazy<Engine> {
  if (given !== undefined && isEngine(given)) return Lazy.of(given)
  const engine =
    given === undefined ? new Lazy(async () => (await defaults.engine()).create()) : Lazy.of(makeEngine(given))
  // An engine that could not be loaded has failed the calls that wanted it; there is nothing to release.
  const opened = (): Promise<Engine | undefined> =>
    engine.started ? engine.loaded.catch(() => undefined) : Promise.resolve(undefined)
  lifetime.own({
    release: async () => (await opened())?.close(),
    force: async error => (await opened())?.destroy(error),
  })
  return engine
}

function isEngine(given: Engine | EngineFactory): given is Engine {
  return typeof (given as Partial<Engine> | null)?.exchange === 'function'
}

function makeEngine(given: EngineFactory): Engine {
  if (typeof (given as Partial<EngineFactory> | null)?.create === 'function') return given.create()
  const remedy = typeof given === 'function' ? 'call it, as in undici()' : 'give what a factory such as undici() makes'
  throw config(`The engine must be an engine or a factory of one, not ${shown(given)}; ${remedy}.`)
}

function contextOf(lifetime: Lifetime, watching: Watching, engine: Engine, base: BaseUrl | undefined): Surroundings {
  return {
    onClose(release) {
      lifetime.own({
        release: async () => {
          await release()
        },
      })
    },
    engine,
    baseUrl: base?.href,
    monitor: watching.monitor,
  }
}

function childBase(base: BaseUrl | undefined, { baseUrl, confine }: ChildOptions): BaseUrl | undefined {
  const confined = confine ?? base?.confine ?? true
  if (baseUrl !== undefined) return parseBase(baseUrl, confined, base)
  return base && { ...base, confine: confined }
}

const CHILD_OPTIONS: readonly string[] = ['baseUrl', 'confine', 'plugins']
const CLIENT_OPTIONS: readonly string[] = ['engine', ...CHILD_OPTIONS]

function checked<T extends ChildOptions>(where: string, given: T, known: readonly string[]): T {
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw config(`The options of ${where} must be an object, not ${shown(given)}.`)
  }
  const options = own(given)
  const wrong = Object.keys(options).find(key => !known.includes(key))
  if (wrong !== undefined) {
    throw config(
      `${where} has no option ${JSON.stringify(wrong)}. ${hint(wrong, known, `It has ${known.join(', ')}.`)}`,
    )
  }
  const wanted = options.confine === undefined ? undefined : flag(options.confine)
  if (wanted !== undefined) throw config(`${where}({ confine }) must be ${wanted}, not ${shown(options.confine)}.`)
  return options
}
