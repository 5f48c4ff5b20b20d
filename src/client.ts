/** What a client can do, as its users see it. */
import type { Observable, Unsubscribable } from 'rxjs'
import type { Body } from './body.ts'
import type { Cookie } from './cookie.ts'
import type { Engine, EngineFactory } from './engine.ts'
import type { HttpEvent } from './events.ts'
import type { HeadersInit } from './headers.ts'
import type { CloseReport } from './lifetime.ts'
import type { MonitorEvent } from './monitor.ts'
import type { AnyPlugin, OptionsOf } from './plugin.ts'
import type { HttpResponse } from './response.ts'
import type { Reader } from './streaming.ts'
import type { Params, ParamsOf } from './params.ts'
import type { Query } from './query.ts'
import type { Schema } from './schema.ts'

/** How a client is made. */
export interface ClientOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> {
  /**
   * What sends the requests. A factory such as `undici({ connections: 64 })` gives the client its own engine, released
   * with it; an engine that exists already stays its owner's. Default: the platform's, loaded with the first request.
   */
  readonly engine?: Engine | EngineFactory | undefined
  /** What relative urls are joined to, by the WHATWG rules; must end with a slash. Default: none. */
  readonly baseUrl?: string | URL | undefined
  /** Refuses urls that leave `baseUrl`, its origin or its path. Default: `true`. */
  readonly confine?: boolean | undefined
  /** The plugins, the outermost first. Default: `recommended()`, loaded with the first request. */
  readonly plugins?: P | undefined
}

/** How a child client differs from its parent. */
export interface ChildOptions<P extends readonly AnyPlugin[] = readonly AnyPlugin[]> {
  /** Joined to the parent's base url. */
  readonly baseUrl?: string | URL | undefined
  readonly confine?: boolean | undefined
  /** Added to the parent's, each innermost of its scope; one of the same name replaces the parent's. */
  readonly plugins?: P | undefined
}

/** What a call can say beside its url, for every client. */
export interface RequestOptions {
  /** Header fields. `undefined` leaves one out. */
  readonly headers?: HeadersInit | undefined
  /** Added to the query of the url. */
  readonly query?: Query | undefined
  readonly body?: Body
}

/** A url, relative to the client's base or absolute, possibly a template (RFC 6570). */
export type Url = string | URL

/**
 * The options of one call: the common ones, the params its url asks for, and those of the client's plugins. A plugin that has an
 * option `schema` types the value of the answer by it: that is `V`.
 */
export type CallOptions<U, O, V = unknown> = RequestOptions & ParamsOption<U> & O & Typing<O, V>

type Typing<O, V> = {
  readonly [K in keyof O as TakesSchema<O[K]> extends true ? K : never]?:
    | { readonly schema?: Schema<V> | undefined }
    | false
    | undefined
}

type TakesSchema<T> = true extends (
  T extends object ? ('schema' extends keyof T ? (Schema extends T['schema'] ? true : never) : never) : never
)
  ? true
  : false

type ParamsOption<U> = string extends U
  ? { readonly params?: Params | undefined }
  : unknown extends ParamsOf<U>
    ? { readonly params?: Params | undefined }
    : object extends ParamsOf<U>
      ? { readonly params?: ParamsOf<U> | undefined }
      : { readonly params: ParamsOf<U> }

/** `[options?]`, or `[options]` where the url has params that must be given. */
export type OptionsArg<U, O, V = unknown> =
  object extends ParamsOption<U> ? [options?: CallOptions<U, O, V>] : [options: CallOptions<U, O, V>]

/** `[body?, options?]`, or both required where the url has params that must be given. */
export type BodyArgs<U, O, V = unknown> =
  object extends ParamsOption<U>
    ? [body?: Body, options?: CallOptions<U, O, V>]
    : [body: Body, options: CallOptions<U, O, V>]

/** Method, url and options, for calls whose method is a variable or has no verb of its own. */
export type MethodArgs<U, O, V = unknown> = [method: string, url: U, ...OptionsArg<U, O, V>]

/**
 * Sends requests. Building one does nothing; subscribing sends it; unsubscribing aborts it at the socket.
 * `O` are the per-call options of its plugins.
 */
export interface Client<O = object> extends Unsubscribable, Disposable, AsyncDisposable {
  get<const U extends Url, V = unknown>(url: U, ...args: OptionsArg<U, O, V>): Observable<HttpResponse<V>>
  head<const U extends Url, V = unknown>(url: U, ...args: OptionsArg<U, O, V>): Observable<HttpResponse<V>>
  delete<const U extends Url, V = unknown>(url: U, ...args: OptionsArg<U, O, V>): Observable<HttpResponse<V>>
  options<const U extends Url, V = unknown>(url: U, ...args: OptionsArg<U, O, V>): Observable<HttpResponse<V>>
  post<const U extends Url, V = unknown>(url: U, ...args: BodyArgs<U, O, V>): Observable<HttpResponse<V>>
  put<const U extends Url, V = unknown>(url: U, ...args: BodyArgs<U, O, V>): Observable<HttpResponse<V>>
  patch<const U extends Url, V = unknown>(url: U, ...args: BodyArgs<U, O, V>): Observable<HttpResponse<V>>
  /** Sends a safe request with a body (RFC 10008). */
  query<const U extends Url, V = unknown>(url: U, ...args: BodyArgs<U, O, V>): Observable<HttpResponse<V>>
  request<const U extends Url, V = unknown>(...args: MethodArgs<U, O, V>): Observable<HttpResponse<V>>

  /** Everything that happens in a call: connection, progress, notices, and at last the whole `response`. GET unless `method` is given. */
  events<const U extends Url>(url: U, ...args: OptionsArg<U, O & MethodOption>): Observable<HttpEvent>

  /**
   * Reads the answer while it arrives: `reader` is given the live response, and what it returns is what is emitted.
   * When that ends, the exchange ends. GET unless `method` is given.
   */
  stream<T, const U extends Url = Url>(
    url: U,
    reader: Reader<T>,
    ...args: OptionsArg<U, O & MethodOption>
  ): Observable<T>

  /** Makes a child with more plugins on the same engine; see {@link ChildOptions.plugins}. */
  with<const P extends readonly AnyPlugin[]>(...plugins: P): Client<O & OptionsOf<P[number]>>
  /** Makes a child with another base url or more plugins on the same engine. */
  extend<const P extends readonly AnyPlugin[] = readonly []>(options: ChildOptions<P>): Client<O & OptionsOf<P[number]>>

  /**
   * The cookies that a GET of `url`, relative or absolute, would be sent with, in their order. Fails with `CONFIG` when
   * the client keeps none because the plugin `cookies` is not installed.
   */
  cookies(url: Url): Promise<readonly Cookie[]>

  /** Shows the way of a request: base url, plugins by scope, engine. */
  explain(): string

  /** Calls running now, those of children included. */
  readonly inFlight: number
  /** Everything that happens in this client and its children, while it happens; completes when the client has ended. */
  readonly monitor: Observable<MonitorEvent>
  /** True once no new call is taken. */
  readonly closed: boolean

  /**
   * Takes no new calls (they fail with `CLOSED`), waits for the running ones, then releases the engine it owns.
   * With `drain`, calls that still run after so many milliseconds are cancelled and named in the report.
   */
  close(options?: { readonly drain?: number | undefined }): Promise<CloseReport>
  /** Resolves when the client was closed or cancelled, nothing runs any more and everything is released. */
  join(): Promise<void>
  /** Ends every running call now with `CANCELLED`, then releases the engine it owns. */
  cancel(reason?: unknown): void
  /** The same as `cancel()`; it makes a client an RxJS `Unsubscribable`: `subscription.add(client)`. */
  unsubscribe(): void
}

/** Which method `events` and `stream` use. */
export interface MethodOption {
  /** Default: `GET`. */
  readonly method?: string | undefined
}
