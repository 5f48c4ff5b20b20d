/** One client, several engines: each request goes to the engine of its origin. */
import { callback, shown } from './check.ts'
import { hint } from './closest.ts'
import type {
  Capabilities,
  ConnectionEvent,
  Engine,
  EngineFactory,
  EventObserver,
  Exchange,
  PoolStats,
} from './engine.ts'
import { config, describe, HttpError } from './errors.ts'
import type { ConnectionInfo } from './events.ts'
import { LinkedList } from './linked.ts'
import { own } from './own.ts'
import { needsOf } from './needs.ts'
import type { HttpRequest } from './request.ts'
import { RoutedExchange, type Routing } from './route/exchange.ts'
import { Rules } from './route/rules.ts'
import { common, sum } from './route/together.ts'

/** An engine made by the route and released with it, or one handed in, which stays its owner's. */
export type RouteEngine = Engine | EngineFactory

/** The options of {@link route}. A wrong one throws `HttpError` code `CONFIG`. */
export interface RouteOptions {
  /**
   * Engines by rule: an origin (`'https://api.test'`), a host on any port (`'api.test'`, `'localhost:8080'`), or all hosts
   * below one (`'*.internal'`). The first rule that fits counts. Of a list, the next engine is asked when the one before
   * it cannot do what the request needs, or gets no connection.
   */
  readonly engines: Readonly<Record<string, RouteEngine | readonly RouteEngine[]>>
  /** What sends everything else. Without it a request that no rule fits fails with `CONFIG`. */
  readonly otherwise?: RouteEngine | readonly RouteEngine[] | undefined
  /**
   * Whether the next engine of a list is asked after this error. Only asked when nothing was written yet. Default: after `DNS`,
   * `CONNECT`, `UNSUPPORTED` and a `TIMEOUT` of connecting; not after `TLS` and `PROXY`, for a server that could not
   * prove who it is must not be asked again with less care.
   */
  readonly fallback?: ((error: HttpError) => boolean) | undefined
}

/**
 * Sends each request with the engine of its origin, and with the next one of a list when an engine gets no connection.
 * An engine that falls back says so with a notice (`client.events`).
 *
 * Not for choosing between servers: every engine is asked for the url the request has.
 *
 * Throws `HttpError` code `CONFIG` for a rule that is none or can never fit, and for an unknown option.
 *
 * @example
 * ```ts
 * import { createClient, route } from 'sluice'
 * import { mock } from 'sluice/engines/mock'
 * import { undici } from 'sluice/engines/undici'
 *
 * const client = createClient({
 *   engine: route({ engines: { '*.test': mock({ 'GET /users/7': { body: { name: 'Ada' } } }) }, otherwise: undici() }),
 *   plugins: [],
 * })
 * client.get('https://api.test/users/7').subscribe(response => console.log(response.text())) // {"name":"Ada"}
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status)) // 200
 * ```
 */
export function route(given: RouteOptions): EngineFactory {
  const options = checked(given)
  const entries = Object.entries(options.engines).map(([rule, value]) => [rule, listed(rule, value)] as const)
  const otherwise = options.otherwise === undefined ? undefined : listed('otherwise', options.otherwise)
  if (entries.length === 0 && otherwise === undefined)
    throw config(
      'route() has no engine; give it engines, as in { engines: { "*.internal": http() }, otherwise: undici() }.',
    )
  // Made once here so that a rule that is none is a mistake of the caller, not of a request.
  new Rules(entries, otherwise)
  return { name: 'route', create: () => new RouteEngineOf(entries, otherwise, options.fallback ?? connectionFailed) }
}

class RouteEngineOf implements Engine {
  readonly name = 'route'
  readonly capabilities: Capabilities
  readonly #rules: Rules<readonly Engine[]>
  readonly #engines: readonly Engine[]
  readonly #owned: readonly Engine[]
  readonly #running = new LinkedList<RoutedExchange>()
  readonly #routing: Routing
  readonly #numbers = new WeakMap<ConnectionInfo, ConnectionInfo>()
  #idle: PromiseWithResolvers<undefined> | undefined
  #ended: Promise<unknown> | undefined

  constructor(entries: readonly Entry[], otherwise: Entry[1] | undefined, fallBack: Routing['fallBack']) {
    const made = new Map<RouteEngine, Engine>()
    const open = (all: readonly RouteEngine[]): readonly Engine[] =>
      all.map(one => {
        const engine = made.get(one) ?? (isEngine(one) ? one : one.create())
        made.set(one, engine)
        return engine
      })
    this.#rules = new Rules(
      entries.map(([rule, all]) => [rule, open(all)] as const),
      otherwise && open(otherwise),
    )
    this.#engines = [...new Set(made.values())]
    this.#owned = [...made].filter(([one]) => !isEngine(one)).map(([, engine]) => engine)
    this.capabilities = common(this.#engines)
    this.#routing = {
      fallBack,
      numbered: (engine, connection) => this.#numbered(engine, connection),
      over: exchange => {
        this.#running.delete(exchange)
        if (this.#running.size === 0) this.#idle?.resolve(undefined)
      },
    }
  }

  engineFor(request: HttpRequest): Pick<Engine, 'name' | 'capabilities'> {
    const engines = this.#rules.find(request.origin) ?? []
    return able(engines, request)[0] ?? engines[0] ?? this
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    const engines = this.#rules.find(request.origin)
    const exchange = new RoutedExchange(request, observer, able(engines ?? [], request), this.#routing)
    this.#running.add(exchange)
    if (this.#ended !== undefined) exchange.fail(refused(request, 'CLOSED', 'queue', 'its engine is closed'))
    else if (engines === undefined) {
      const rules = this.#rules.texts.join(', ')
      exchange.fail(
        refused(request, 'CONFIG', 'config', `no rule of the route fits it (${rules}); add one, or otherwise`),
      )
    } else exchange.begin()
    return exchange
  }

  close(): Promise<void> {
    return this.#end(async () => {
      this.#idle = Promise.withResolvers()
      if (this.#running.size > 0) await this.#idle.promise
      await Promise.all(this.#owned.map(engine => engine.close()))
    })
  }

  async destroy(reason: HttpError = new HttpError('CANCELLED', 'The engine was destroyed.')): Promise<void> {
    this.#ended ??= Promise.resolve()
    await Promise.all(this.#owned.map(engine => engine.destroy(reason)))
    // What runs on engines that are somebody else's.
    for (const exchange of [...this.#running]) exchange.fail(reason)
  }

  stats(): PoolStats {
    return sum(this.#engines.flatMap(engine => engine.stats?.() ?? []))
  }

  watch(listener: (event: ConnectionEvent) => void): () => void {
    const stops = this.#engines.map(engine =>
      engine.watch?.(event => {
        listener({ ...event, connection: this.#numbered(engine, event.connection) })
      }),
    )
    return () => {
      for (const stop of stops) stop?.()
    }
  }

  async #end(work: () => Promise<void>): Promise<void> {
    this.#ended ??= work()
    await this.#ended
  }

  /** Engines count their connections from 1, each for itself. */
  #numbered(engine: Engine, connection: ConnectionInfo): ConnectionInfo {
    const count = this.#engines.length
    if (count === 1) return connection
    let numbered = this.#numbers.get(connection)
    if (numbered === undefined) {
      numbered = { ...connection, id: (connection.id - 1) * count + this.#engines.indexOf(engine) + 1 }
      this.#numbers.set(connection, numbered)
    }
    return numbered
  }
}

type Entry = readonly [rule: string, engines: readonly RouteEngine[]]

/** The engines that can do what a request needs; all of them when none can, for one of them to say so. */
function able(engines: readonly Engine[], request: HttpRequest): readonly Engine[] {
  const needs = needsOf(request)
  const can = engines.filter(({ capabilities }) => needs.every(need => capabilities[need]))
  return can.length > 0 ? can : engines
}

/** What an engine says that got no connection, and that no other engine should take as a reason to be less careful. */
function connectionFailed({ code, phase }: HttpError): boolean {
  if (code === 'TIMEOUT') return phase === 'dns' || phase === 'connect' || phase === 'tls'
  return code === 'DNS' || code === 'CONNECT' || code === 'UNSUPPORTED'
}

function refused(request: HttpRequest, code: 'CLOSED' | 'CONFIG', phase: 'queue' | 'config', why: string): HttpError {
  const { attempt } = request
  const message = `${describe(request, attempt)} was not sent: ${why}.`
  return new HttpError(code, message, { phase, request, attempt, requestWritten: 'no' })
}

function checked(given: RouteOptions): RouteOptions {
  if (typeof given !== 'object' || (given as object | null) === null)
    throw config(`The options of route must be an object, not ${shown(given)}.`)
  const options = own(given)
  const known = ['engines', 'otherwise', 'fallback']
  const wrong = Object.keys(options).find(key => !known.includes(key))
  if (wrong !== undefined)
    throw config(`route() has no option ${JSON.stringify(wrong)}. ${hint(wrong, known, `It has ${known.join(', ')}.`)}`)
  if (typeof options.engines !== 'object' || (options.engines as object | null) === null)
    throw config(`The option engines of route must be an object of engines by rule, not ${shown(options.engines)}.`)
  if (options.fallback !== undefined && callback(options.fallback) !== undefined)
    throw config(`The option fallback of route must be a function, not ${shown(options.fallback)}.`)
  return options
}

function listed(rule: string, value: RouteEngine | readonly RouteEngine[]): readonly RouteEngine[] {
  const all = isList(value) ? value : [value]
  const wrong = all.find(one => !isEngine(one) && typeof (one as Partial<EngineFactory> | null)?.create !== 'function')
  if (all.length > 0 && wrong === undefined && !all.includes(undefined as never)) return all
  const what = all.length === 0 ? 'an empty list' : shown(wrong)
  throw config(
    `Under ${JSON.stringify(rule)} route needs an engine, what a factory such as undici() makes, or a list of those, not ${what}.`,
  )
}

function isList(value: RouteEngine | readonly RouteEngine[]): value is readonly RouteEngine[] {
  return Array.isArray(value)
}

function isEngine(given: RouteEngine): given is Engine {
  return typeof (given as Partial<Engine> | null)?.exchange === 'function'
}
