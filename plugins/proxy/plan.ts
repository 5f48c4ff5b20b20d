/** Which ways there are to a server: what was decided by options alone, once for each origin. */
import type { Route } from '../../src/index.ts'
import { waysOf, type Way } from './choice.ts'
import { EnvironmentProxies, processEnvironment } from './environment.ts'
import { Hosts, isLoopback, targetOf, type Target } from './hosts.ts'
import type { ProxyChoice, ProxyOptions } from './options.ts'
import { Routes } from './routes.ts'

/** The routes to try in order; undefined is the direct way. */
export type Ways = readonly (Route | undefined)[]

/** Origins that are remembered. */
const MOST_ORIGINS = 1000

const DIRECT: Ways = [undefined]

/** The plans of a client: one for its own options, and one for those of each call that brings its own. */
export class Plans {
  readonly #routes = new Routes()
  readonly #environment = processEnvironment()
  readonly #plans = new WeakMap<ProxyOptions, Plan>()

  of(options: ProxyOptions): Plan {
    let plan = this.#plans.get(options)
    if (plan === undefined) {
      const env = options.env === true ? this.#environment : options.env
      plan = new Plan(options, this.#routes, env === false ? undefined : new EnvironmentProxies(env))
      this.#plans.set(options, plan)
    }
    return plan
  }
}

/** Options, read once. */
export class Plan {
  readonly #options: ProxyOptions
  readonly #routes: Routes
  readonly #rules: readonly (readonly [Hosts, readonly Way[]])[]
  readonly #otherwise: readonly Way[] | undefined
  readonly #environment: EnvironmentProxies | undefined
  readonly #decided = new Map<string, Ways>()

  constructor(options: ProxyOptions, routes: Routes, environment: EnvironmentProxies | undefined) {
    const { url, rules } = options
    this.#options = options
    this.#routes = routes
    this.#rules = Object.entries(rules).map(([list, choice]) => [new Hosts(list), waysOf(choice, 'A rule')])
    this.#otherwise = url === undefined ? undefined : waysOf(url, 'proxy({ url })')
    this.#environment = environment
  }

  /** True when an origin is this machine, which is spoken to directly. */
  staysHere(origin: string): boolean {
    return !this.#options.loopback && isLoopback(targetOf(origin))
  }

  /** The ways a resolver chose. Throws `CONFIG` when it chose nothing that can be used. */
  chosen(choice: ProxyChoice): Ways {
    return this.#routed(waysOf(choice, 'What proxy({ resolve }) answered'))
  }

  /** The ways to an origin as the options say it. */
  decided(origin: string): Ways {
    const known = this.#decided.get(origin)
    if (known !== undefined) return known
    const ways = this.staysHere(origin) ? DIRECT : this.#routed(this.#decide(targetOf(origin)))
    // Whoever asks for ever new hosts must not fill the memory.
    if (this.#decided.size >= MOST_ORIGINS) this.#decided.clear()
    this.#decided.set(origin, ways)
    return ways
  }

  #decide(target: Target): readonly Way[] {
    const rule = this.#rules.find(([hosts]) => hosts.has(target))?.[1]
    return rule ?? this.#otherwise ?? [this.#environment?.for(target) ?? []]
  }

  #routed(ways: readonly Way[]): Ways {
    return ways.map(way => this.#routes.of(way, this.#options))
  }
}
