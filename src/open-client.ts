/** Makes clients: puts plugins, engine and lifetime together and turns method and url into an Observable. */
import { Observable, type Observer, type Subscriber } from 'rxjs'
import type { Body } from './body.ts'
import { Call } from './call.ts'
import { milliseconds, shown } from './check.ts'
import type { ChildOptions, Client, ClientOptions, Url } from './client.ts'
import { closest } from './closest.ts'
import { edge } from './edge.ts'
import type { Engine, EngineFactory } from './engine.ts'
import { HttpError } from './errors.ts'
import type { HttpEvent } from './events.ts'
import { explain } from './explain.ts'
import { Lazy } from './lazy.ts'
import { closedError, Lifetime, type CloseReport } from './lifetime.ts'
import { REPORT, type MonitorEvent } from './monitor.ts'
import { checkOrder } from './order.ts'
import type { AnyPlugin, PluginContext } from './plugin.ts'
import { prepareRequest, type AnyOptions, type Said } from './prepare.ts'
import { LIVE, type HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import { Stack } from './stack.ts'
import { Reading, type Reader } from './streaming.ts'
import { parseBase, type BaseUrl } from './url.ts'
import { Watching } from './watching.ts'

/** Where a client gets what its user left out; both are asked with the first request. */
export interface Defaults {
  engine(): Promise<EngineFactory>
  plugins(): Promise<readonly AnyPlugin[]>
}

/** The common interface of {@link Client}, without the types of url params and plugin options. */
interface Parts {
  readonly base: BaseUrl | undefined
  readonly stack: Lazy<Stack>
  readonly engine: Lazy<Engine>
  readonly lifetime: Lifetime
  readonly watching: Watching
  readonly nextId: () => number
}

const CLIENT_OPTIONS: readonly string[] = ['engine', 'baseUrl', 'confine', 'plugins']
const CHILD_OPTIONS: readonly string[] = ['baseUrl', 'confine', 'plugins']
const NO_OPTIONS: AnyOptions = Object.freeze(Object.create(null) as AnyOptions)

/** Makes a client. Throws `CONFIG` for a wrong option, a wrong base url and an order of plugins that cannot work. */
export function openClient(options: ClientOptions, defaults: Defaults): Client {
  checkKeys('createClient', options, CLIENT_OPTIONS)
  const { plugins } = options
  const base = options.baseUrl === undefined ? undefined : parseBase(options.baseUrl, options.confine ?? true)
  if (plugins !== undefined) checkOrder(plugins)
  const lifetime = new Lifetime()
  const engine = openEngine(options.engine, defaults, lifetime)
  const watching = new Watching(engine)
  const build = (ready: Engine, list: readonly AnyPlugin[]): Stack =>
    Stack.of(list, edge(ready), contextOf(lifetime, watching, ready))
  const stack =
    engine.now !== undefined && plugins !== undefined
      ? Lazy.of(build(engine.now, plugins))
      : new Lazy(async () => build(await engine.load(), plugins ?? (await defaults.plugins())))
  let ids = 0
  return new OpenClient({ base, stack, engine, lifetime, watching, nextId: () => ++ids })
}

/** An engine made here is released with the client; one that was handed in is not. */
function openEngine(given: Engine | EngineFactory | undefined, defaults: Defaults, lifetime: Lifetime): Lazy<Engine> {
  if (given !== undefined && !('create' in given)) return Lazy.of(given)
  const engine =
    given === undefined ? new Lazy(async () => (await defaults.engine()).create()) : Lazy.of(given.create())
  lifetime.onEnd(async error => {
    if (!engine.started) return
    const opened = await engine.loaded
    await (error === undefined ? opened.close() : opened.destroy(error))
  })
  return engine
}

function contextOf(lifetime: Lifetime, watching: Watching, engine: Engine): PluginContext {
  return {
    onClose(release) {
      lifetime.onEnd(() => {
        release()
      })
    },
    engine,
    monitor: watching.monitor,
  }
}

class OpenClient implements Client {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get(url: Url, options?: object): Observable<HttpResponse> {
    return this.#whole('GET', url, options)
  }
  head(url: Url, options?: object): Observable<HttpResponse> {
    return this.#whole('HEAD', url, options)
  }
  delete(url: Url, options?: object): Observable<HttpResponse> {
    return this.#whole('DELETE', url, options)
  }
  options(url: Url, options?: object): Observable<HttpResponse> {
    return this.#whole('OPTIONS', url, options)
  }
  post(url: Url, body?: Body, options?: object): Observable<HttpResponse> {
    return this.#whole('POST', url, options, body)
  }
  put(url: Url, body?: Body, options?: object): Observable<HttpResponse> {
    return this.#whole('PUT', url, options, body)
  }
  patch(url: Url, body?: Body, options?: object): Observable<HttpResponse> {
    return this.#whole('PATCH', url, options, body)
  }
  query(url: Url, body?: Body, options?: object): Observable<HttpResponse> {
    return this.#whole('QUERY', url, options, body)
  }
  request(method: string, url: Url, options?: object): Observable<HttpResponse> {
    return this.#whole(method, url, options)
  }

  events(url: Url, given: object = NO_OPTIONS): Observable<HttpEvent> {
    return this.#run(said(undefined, url, given), (call, subscriber) =>
      settling(call, event => {
        call.report(event)
        subscriber.next(event)
      }),
    )
  }

  stream<T>(url: Url, reader: Reader<T>, given: object = NO_OPTIONS): Observable<T> {
    return this.#run(said(undefined, url, given), (call, subscriber) => new Reading(call, reader, subscriber), true)
  }

  with(...plugins: readonly AnyPlugin[]): Client {
    return this.extend({ plugins })
  }

  extend(options: ChildOptions): Client {
    checkKeys('extend', options, CHILD_OPTIONS)
    const { base, stack, engine, nextId } = this.#parts
    const lifetime = new Lifetime(this.#parts.lifetime)
    const watching = new Watching(engine, this.#parts.watching)
    const { plugins = [] } = options
    const build = (parent: Stack, ready: Engine): Stack => parent.extend(plugins, contextOf(lifetime, watching, ready))
    return new OpenClient({
      base: childBase(base, options),
      stack:
        stack.now && engine.now
          ? Lazy.of(build(stack.now, engine.now))
          : new Lazy(async () => build(await stack.load(), await engine.load())),
      engine,
      lifetime,
      watching,
      nextId,
    })
  }

  explain(): string {
    const { base, stack, engine } = this.#parts
    return explain({ baseUrl: base?.href, plugins: stack.now?.plugins, engine: engine.now?.name })
  }

  get inFlight(): number {
    return this.#parts.lifetime.size
  }
  get monitor(): Observable<MonitorEvent> {
    return this.#parts.watching.monitor
  }
  get closed(): boolean {
    return this.#parts.lifetime.closed
  }

  async close({ drain }: { readonly drain?: number | undefined } = {}): Promise<CloseReport> {
    const wanted = drain === undefined ? undefined : milliseconds(drain)
    if (wanted !== undefined) throw config(`close({ drain }) must be ${wanted}, not ${shown(drain)}.`)
    return this.#parts.lifetime.close(drain)
  }
  join(): Promise<void> {
    return this.#parts.lifetime.join()
  }
  cancel(reason?: unknown): void {
    this.#parts.lifetime.cancel(reason)
  }
  unsubscribe(): void {
    this.cancel()
  }
  [Symbol.dispose](): void {
    this.cancel()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #whole(method: string, url: Url, given: object = NO_OPTIONS, body?: Body): Observable<HttpResponse> {
    return this.#run(said(method, url, given, body), (call, subscriber) =>
      settling(call, event => {
        call.report(event)
        if (event.type === 'response') subscriber.next(event.response)
      }),
    )
  }

  /** Law 1: each subscription prepares, counts and sends a request of its own. */
  #run<T>(
    wanted: Said,
    observe: (call: Call, subscriber: Subscriber<T>) => Observer<HttpEvent>,
    live = false,
  ): Observable<T> {
    return new Observable<T>(subscriber => {
      const { base, stack, lifetime, watching, nextId } = this.#parts
      const request = prepareRequest(wanted, nextId(), base)
      if (lifetime.closed) throw closedError(request)
      const { report } = watching
      const call = new Call(request, subscriber, lifetime, report)
      const start = (ready: Stack): void => {
        if (subscriber.closed) return
        const sent = annotate(request, ready.optionsOf(wanted.options), live, report)
        subscriber.add((live ? ready.ways.live : ready.ways.whole)(sent).subscribe(observe(call, subscriber)))
      }
      if (stack.now) attempt(call, start, stack.now)
      else
        stack.load().then(
          ready => {
            attempt(call, start, ready)
          },
          (error: unknown) => {
            call.fail(error)
          },
        )
    })
  }
}

function said(method: string | undefined, url: Url, given: object, body?: Body): Said {
  const options = given as AnyOptions
  return { method: method ?? options.method ?? 'GET', url, body: body ?? options.body, options }
}

/** Hands events on and ends the call as its source ends. */
function settling(call: Call, next: (event: HttpEvent) => void): Observer<HttpEvent> {
  return {
    next,
    error(error: unknown) {
      call.fail(error)
    },
    complete() {
      call.complete()
    },
  }
}

function attempt(call: Call, start: (stack: Stack) => void, stack: Stack): void {
  try {
    start(stack)
  } catch (error) {
    call.fail(error)
  }
}

function annotate(
  request: HttpRequest,
  options: HttpRequest['options'],
  live: boolean,
  report: Watching['report'],
): HttpRequest {
  let sent = options === request.options ? request : request.with({ options })
  if (live) sent = sent.note(LIVE, true)
  return report === undefined ? sent : sent.note(REPORT, report)
}

function childBase(base: BaseUrl | undefined, { baseUrl, confine }: ChildOptions): BaseUrl | undefined {
  const confined = confine ?? base?.confine ?? true
  if (baseUrl !== undefined) return parseBase(baseUrl, confined, base)
  return base && { ...base, confine: confined }
}

function checkKeys(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const guess = closest(key, known)
    throw config(
      `${where} has no option ${JSON.stringify(key)}. ${guess === undefined ? `It has ${known.join(', ')}.` : `Did you mean ${JSON.stringify(guess)}?`}`,
    )
  }
}

function config(message: string): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config' })
}
