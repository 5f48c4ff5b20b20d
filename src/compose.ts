/** Folds installed plugins and the innermost handlers into the two ways through a client. */
import type { Unsubscribable } from 'rxjs'
import { gather } from './gather.ts'
import type { AnyPlugin, Handler, Interceptor, Provided } from './plugin.ts'
import type { HttpRequest } from './request.ts'
import { run, Source, type Sink } from './source.ts'

/** A plugin and the interceptor a client made of it. */
export interface Installed {
  readonly plugin: AnyPlugin
  readonly intercept: Interceptor<object>
  /** What it does for methods of the client. */
  readonly provided?: Provided | undefined
}

/** The two ways through a client: with the body gathered inside of all that may retry, or live. */
export interface Ways {
  readonly whole: Handler
  readonly live: Handler
}

/** Builds both ways once; a call then runs through functions that already know each other. */
export function compose(installed: readonly Installed[], edge: Handler): Ways {
  const wire = fold(
    installed.filter(({ plugin }) => plugin.scope === 'wire'),
    edge,
  )
  const outer = installed.filter(({ plugin }) => plugin.scope !== 'wire')
  return { whole: fold(outer, request => gather(request, wire(request))), live: fold(outer, wire) }
}

function fold(installed: readonly Installed[], innermost: Handler): Handler {
  return installed.reduceRight((next, one) => layer(one, next), innermost)
}

function layer({ plugin, intercept }: Installed, next: Handler): Handler {
  const { name, options } = plugin
  return request => {
    const own = request.options[name]
    return own === false ? next(request) : new Layer(intercept, request, next, own ?? options)
  }
}

/**
 * One plugin around the rest. The interceptor runs on subscription, not when `next` is called: a plugin that
 * subscribes again to what `next` gave it runs everything further in again.
 */
class Layer extends Source {
  readonly #intercept: Interceptor<object>
  readonly #request: HttpRequest
  readonly #next: Handler
  readonly #options: object

  constructor(intercept: Interceptor<object>, request: HttpRequest, next: Handler, options: object) {
    super()
    this.#intercept = intercept
    this.#request = request
    this.#next = next
    this.#options = options
  }

  run(sink: Sink): Unsubscribable {
    return run(this.#intercept.call(undefined, this.#request, this.#next, this.#options), sink)
  }
}
