/** An engine without a network: answers what a test says, when it says so, and remembers what it was asked. */
import {
  describe,
  type Capabilities,
  type Engine,
  type EventObserver,
  type Exchange,
  type HttpError,
  type HttpRequest,
} from '../src/index.ts'
import { cancelled, closed } from './mock/failures.ts'
import { record, type MockExchange, type Recording } from './mock/history.ts'
import type { PatternParams } from './mock/pattern.ts'
import { checkOptions } from './mock/reply-check.ts'
import type { MockHandler, MockRequest, MockRoute } from './mock/reply.ts'
import { Routes, type Found } from './mock/routes.ts'
import { Run, type Ask } from './mock/run.ts'
import type { Script } from './mock/script.ts'
import { TakenBody, type SentBody } from './mock/sent-body.ts'
import { Stage } from './mock/stage.ts'

export type { MockConversation, MockExchange, Outcome } from './mock/history.ts'
export type { PatternParams } from './mock/pattern.ts'
export type { MockPeer, MockStep } from './mock/peer.ts'
export type {
  MockAnswer,
  MockChunk,
  MockFailure,
  MockHandler,
  MockHeaders,
  MockReply,
  MockRequest,
  MockRoute,
  ResetPhase,
  StallPhase,
} from './mock/reply.ts'
export type { SentBody } from './mock/sent-body.ts'

/** How the mock presents itself. */
export interface MockOptions {
  /** Default `'mock'`. */
  readonly name?: string | undefined
  /** What it says it cannot do, to see a client refuse it. Default: it can do everything but decode. */
  readonly capabilities?: Partial<Capabilities> | undefined
}

/**
 * Routes by pattern: an optional method, an optional origin, then a path in which `:name` stands for one segment and a
 * last `*` for the rest. A query that is written must be there too. The first that fits is taken. A HEAD request is
 * also answered by a GET route.
 */
export type MockRoutes<Pattern extends string = string> = { readonly [P in Pattern]: MockRoute<PatternParams<P>> }

/** An engine that plays what it was told. */
export interface MockEngine extends Engine {
  /**
   * Adds a route, which goes before those that are there. With `times` it answers only so often, goes before all
   * lasting ones, in the order in which they were added, and `verify()` wants it to be used up.
   */
  on<const Pattern extends string>(
    pattern: Pattern,
    route: MockRoute<PatternParams<Pattern>>,
    options?: { readonly times?: number | undefined },
  ): this
  /** Adds a route that answers once; the same as `on(pattern, route, { times: 1 })`. */
  once<const Pattern extends string>(pattern: Pattern, route: MockRoute<PatternParams<Pattern>>): this
  /** Adds replies for the next requests, whatever they are; they go before all routes. */
  enqueue(...routes: readonly MockRoute[]): this
  /** Every exchange that was begun, in that order; kept up to date. */
  readonly history: readonly MockExchange[]
  /** How many exchanges run now. */
  readonly inFlight: number
  /** How many exchanges are held back now by who reads them. */
  readonly paused: number
  /**
   * Throws an `Error` that says what is left over: queued replies, routes with `times` that were not asked for as often,
   * requests that nothing answered, exchanges that still run.
   */
  verify(): void
  /** Forgets history, queue and all routes but the first ones, fails what runs with `CANCELLED`, and is open again. */
  reset(): void
}

const CAPABLE: Capabilities = {
  protocols: ['http/1.1', 'h2'],
  streamingUpload: true,
  uploadProgress: true,
  duplex: true,
  informational: true,
  trailers: true,
  backPressure: true,
  webSocket: true,
  decodes: false,
  proxies: true,
  limits: ['queue', 'dns', 'connect', 'tls', 'send'],
}

/**
 * Answers requests in a test: with routes, or with queued replies, without a network. Delays, stalls and faults happen
 * in the time of RxJS's scheduler, so in virtual time inside `TestScheduler.run()` and `marbles()` of `sluice/testing`.
 *
 * Nothing is answered silently: a request that fits no route fails with `CONFIG`. What needs no waiting (a reply
 * without delays, for a request without body or with one of bytes) is delivered before `subscribe()` returns; only the
 * body of `client.stream()` comes in a turn of its own. A handler that returns a Promise, and a request body that is a
 * stream, an iterable or an Observable, need microtasks, which do not run inside `TestScheduler.run()`.
 *
 * Throws `HttpError` code `CONFIG` for a pattern or a reply that cannot be.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { mock } from 'sluice/engines/mock'
 *
 * const api = mock({ 'GET /users/:id': ({ params }) => ({ body: { id: params.id } }) })
 * const client = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [] })
 *
 * client.get('users/7').subscribe(response => console.log(response.json())) // { id: '7' }
 * console.log(api.history[0]?.outcome) // completed
 * ```
 */
export function mock<const Pattern extends string>(
  routes?: MockRoutes<Pattern> | MockHandler,
  options: MockOptions = {},
): MockEngine {
  // What a pattern's variables are is known to the compiler only; at run time they are all text.
  const first = typeof routes === 'function' ? { '*': routes } : ((routes ?? {}) as Readonly<Record<string, MockRoute>>)
  checkOptions('mock', options, ['name', 'capabilities'])
  return new Mock(first, options)
}

class Mock implements MockEngine {
  readonly name: string
  readonly capabilities: Capabilities
  readonly #first: readonly (readonly [string, MockRoute])[]
  readonly #routes = new Routes()
  readonly #running = new Set<Stage>()
  #history: Recording[] = []
  #idle: PromiseWithResolvers<void> | undefined
  #closed = false

  constructor(routes: Readonly<Record<string, MockRoute>>, { name, capabilities }: MockOptions) {
    this.name = name ?? 'mock'
    this.capabilities = { ...CAPABLE, ...capabilities }
    this.#first = Object.entries(routes)
    this.#routes.addAll(this.#first)
  }

  on(pattern: string, route: MockRoute<never>, options: { readonly times?: number | undefined } = {}): this {
    checkOptions('on', options, ['times'])
    this.#routes.add(pattern, route as MockRoute, options.times)
    return this
  }
  once(pattern: string, route: MockRoute<never>): this {
    return this.on(pattern, route, { times: 1 })
  }
  enqueue(...routes: readonly MockRoute[]): this {
    this.#routes.enqueue(routes)
    return this
  }

  get history(): readonly MockExchange[] {
    return this.#history
  }
  get inFlight(): number {
    return this.#running.size
  }
  get paused(): number {
    return this.#history.filter(({ paused }) => paused).length
  }

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    const found = this.#closed ? undefined : this.#routes.take(request)
    const recording = record(request, found?.name)
    this.#history.push(recording)
    const stage = new Stage(request, observer, recording)
    this.#running.add(stage)
    stage.onEnd(() => {
      this.#left(stage)
    })
    const run = new Run(stage)
    if (found !== undefined) run.start(planOf(found, request, recording), this.#history.length)
    else stage.fail(this.#closed ? closed(request) : this.#routes.refuse(request))
    return run
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#running.size === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  destroy(reason?: HttpError): Promise<void> {
    this.#closed = true
    this.#end('the mock engine was destroyed', reason)
    return Promise.resolve()
  }

  verify(): void {
    const left = [...this.#routes.missing()]
    for (const { request, recording } of this.#running) {
      left.push(`${describe(request, request.attempt)} still runs (${recording.phase})`)
    }
    if (left.length > 0) throw new Error(`Not everything went as the mock was told: ${left.join('; ')}.`)
  }

  reset(): void {
    this.#end('the mock engine was reset')
    this.#closed = false
    this.#history = []
    this.#routes.clear()
    this.#routes.addAll(this.#first)
  }

  #end(why: string, reason?: HttpError): void {
    for (const stage of [...this.#running]) stage.fail(reason ?? cancelled(stage.request, stage.recording.phase, why))
  }

  #left(stage: Stage): void {
    this.#running.delete(stage)
    if (this.#running.size > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

function planOf({ responder, params }: Found, request: HttpRequest, recording: Recording): Script | Ask {
  if (typeof responder !== 'function') return responder
  return () => responder(askedOf(request, params, recording.body))
}

/** Bytes are known before they are taken; a source is when it was read. */
function askedOf(request: HttpRequest, params: MockRequest['params'], taken: SentBody): MockRequest {
  let body = taken
  if (request.body instanceof Uint8Array) {
    const whole = new TakenBody()
    whole.take(request.body)
    body = whole
  }
  return { request, params, query: new URL(request.url).searchParams, body, attempt: request.attempt }
}
