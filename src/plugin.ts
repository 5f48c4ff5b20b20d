/** What a plugin is: a name, a scope, options, and an interceptor made once per client. */
import type { Observable } from 'rxjs'
import { shown, type Check } from './check.ts'
import type { Cookie } from './cookie.ts'
import type { Engine } from './engine.ts'
import { config } from './errors.ts'
import type { HttpEvent } from './events.ts'
import type { MonitorEvent } from './monitor.ts'
import type { HttpRequest } from './request.ts'

/** Sends a request further in. Cold: each subscription sends once and runs every plugin further in again. */
export type Handler = (request: HttpRequest) => Observable<HttpEvent>

/** Sees a request on its way in and its events on their way out. `options` are merged: defaults ← client ← call. */
export interface Interceptor<Options> {
  (request: HttpRequest, next: Handler, options: Options): Observable<HttpEvent>
}

/**
 * Where a plugin stands:
 * `call` once per call, sees what the user sees · `steer` decides whether, where and how often to send ·
 * `attempt` once per send, a whole answer · `wire` once per send, live bytes.
 */
export type Scope = 'call' | 'steer' | 'attempt' | 'wire'

/** The scopes from the outermost to the innermost. */
export const SCOPES: readonly Scope[] = ['call', 'steer', 'attempt', 'wire']

/** What a plugin is given when a client installs it. */
export interface PluginContext {
  /** Registers what must be released when the client is closed; the client waits for a promise. */
  readonly onClose: (release: () => unknown) => void
  /** What sends the requests, and what it can do. */
  readonly engine: Pick<Engine, 'name' | 'capabilities'>
  /** The base url of the client, absolute; `undefined` when it has none. */
  readonly baseUrl: string | undefined
  /** Everything that happens in the client; see `client.monitor`. */
  readonly monitor: Observable<MonitorEvent>
  /** Puts what a plugin does behind a method of the client and of its children. */
  readonly provide: (provided: Provided) => void
}

/** What methods of a client leave to a plugin. */
export interface Provided {
  /** Behind `client.cookies(url)`; the url is absolute. */
  readonly cookies?: ((url: string) => Promise<readonly Cookie[]>) | undefined
}

/** How a plugin is written; given to {@link definePlugin}. */
export interface PluginSpec<Name extends string, Options extends object, Short extends keyof Options & string = never> {
  /** The name of its per-call options: `client.get(url, { [name]: … })`. */
  readonly name: Name
  readonly scope: Scope
  /** Plugins that must stand further out when they are installed too, each with the reason a user can act on. */
  readonly inside?: Readonly<Record<string, string>>
  /** Every option it has; `undefined` for one without a default. An option not listed here is refused. */
  readonly defaults: Options
  /** Says for an option value what would have been right; see `sluice`'s `milliseconds`, `limit`, `count`, … */
  readonly check?: { readonly [K in keyof Options]?: Check }
  /** The option a call may give alone, without an object around it: `{ proxy: 'http://…' }` for `{ proxy: { url: 'http://…' } }`. */
  readonly short?: Short | undefined
  /** The plugin encodes plain values: a body that would be sent as JSON comes to it as it was given, as an `Unencoded`. */
  readonly values?: true | undefined
  /**
   * Makes the interceptor, once per client. State of the client lives in its closure. `options` are those of the client,
   * for what is made only once; a call may have others.
   */
  readonly install: (context: PluginContext, options: Options) => Interceptor<Options>
}

/** A plugin with its options, ready to be put into a client's list. */
export interface Plugin<
  Name extends string = string,
  Options extends object = object,
  Short extends keyof Options & string = never,
> {
  readonly name: Name
  readonly scope: Scope
  readonly inside: Readonly<Record<string, string>>
  /** Defaults overlaid with what the client gave. */
  readonly options: Options
  /** The option a call may give alone. */
  readonly short?: Short | undefined
  readonly values?: true | undefined
  /** Overlays these options with those of a call. Throws `CONFIG` for an unknown option or a wrong value. */
  readonly merge: (given: object) => Options
  readonly install: (context: PluginContext, options: Options) => Interceptor<Options>
}

/** Any plugin, whatever its options. */
export interface AnyPlugin {
  readonly name: string
  readonly scope: Scope
  readonly inside: Readonly<Record<string, string>>
  readonly options: object
  readonly short?: string | undefined
  readonly values?: true | undefined
  readonly merge: (given: object) => object
  readonly install: (context: PluginContext, options: never) => Interceptor<never>
}

/** Makes a plugin out of a client's options for it. */
export type PluginFactory<Name extends string, Options extends object, Short extends keyof Options & string = never> = (
  options?: Given<Options>,
) => Plugin<Name, Options, Short>

/** Options as a user gives them: any of them, each possibly `undefined`. */
export type Given<Options extends object> = { readonly [K in keyof Options]?: Options[K] | undefined }

/** The per-call options of a list of plugins: each by its name, or `false` to leave the plugin out. */
export type OptionsOf<P extends AnyPlugin> = {
  readonly [Q in P as Q['name']]?: Given<Q['options']> | ShortOf<Q> | false | undefined
}

/**
 * What a call may give in place of an object of options; never an object that could be taken for one. Plugins nobody can name have options
 * of any name, so that `method` and `body` of a call go by this type too.
 */
type ShortOf<Q extends AnyPlugin> = string extends Q['name']
  ? Alone | null
  : Q extends Plugin<string, infer Options, infer Short>
    ? Extract<Options[Short], Alone>
    : never

type Alone = string | number | true | URL | readonly unknown[]

/** Names an option of a call has besides those of plugins. */
export const RESERVED: readonly string[] = ['headers', 'query', 'params', 'body', 'method']

/** Checks that a list holds plugins. Throws `CONFIG` for what is none, such as a factory nobody called. */
export function checkPlugins(list: readonly AnyPlugin[]): void {
  if (!Array.isArray(list)) throw config(`Plugins must be given as a list, not as ${shown(list)}.`)
  for (const [at, one] of (list as readonly unknown[]).entries()) {
    if (isPlugin(one)) continue
    const remedy =
      typeof one === 'function' ? 'call it to make a plugin, as in retry()' : 'make plugins with definePlugin()'
    throw config(`plugins[${at}] is ${shown(one)} and no plugin; ${remedy}.`)
  }
}

function isPlugin(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { name, scope, install, merge } = value as Partial<AnyPlugin>
  const known = scope !== undefined && SCOPES.includes(scope)
  return typeof name === 'string' && known && typeof install === 'function' && typeof merge === 'function'
}
