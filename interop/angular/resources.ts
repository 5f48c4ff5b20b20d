/** Streams as Angular has its values: until a component ends, and as signals. */
import { inject, Injector, type ResourceRef } from '@angular/core'
import { rxResource, takeUntilDestroyed } from '@angular/core/rxjs-interop'
import { defaultIfEmpty, type Observable } from 'rxjs'
import type { Client, MethodOption, Reader, RequestOptions, Url } from '../../src/index.ts'
import { eventSource, type EventSourceOptions, type ServerSentEvent } from '../../streams/sse.ts'
import { SLUICE } from './tokens.ts'

/** What a call may say beside its url; options of plugins are checked when it is sent. */
export type StreamCall = RequestOptions & MethodOption & Readonly<Record<string, unknown>>

/**
 * Reads a stream for as long as the component, directive or service lives in whose injection context this is called. Cold: it is
 * asked for when it is subscribed to, by the `async` pipe or `toSignal()`, and ends at the socket when nobody is left.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { injectStream } from 'sluice/angular'
 * import { lines } from 'sluice/streams/lines'
 *
 * // class Log { readonly lines = injectStream('/api/log', lines()) }
 * console.log(typeof injectStream, typeof lines()) // function function
 * ```
 */
export function injectStream<T>(url: Url, reader: Reader<T>, call: StreamCall = {}): Observable<T> {
  return clientIn(inject(Injector)).stream(url, reader, call).pipe(takeUntilDestroyed())
}

/** What a resource of a stream is made of. */
export interface StreamResourceOptions<T, V = T> {
  /** Where the stream is; what signals it reads, it follows, and the stream before is left. `undefined`: nowhere. */
  readonly url: () => Url | undefined
  /** Makes the value of the items: `items => items.pipe(scan(…), auditTime(50))`. Default: the latest item. */
  readonly pipe?: ((items: Observable<T>) => Observable<V>) | undefined
  /** The value until there is one. */
  readonly defaultValue?: V | undefined
  /** What the call says beside its url. */
  readonly call?: StreamCall | undefined
  /** Where it lives. Default: where it is called. */
  readonly injector?: Injector | undefined
}

/**
 * Makes a resource whose value follows a stream: `value()`, `error()`, `isLoading()` and `status()` are signals. Another url leaves
 * the stream before it, at the socket; so does the end of the component.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { scan } from 'rxjs'
 * import { streamResource } from 'sluice/angular'
 * import { ndjson } from 'sluice/streams/ndjson'
 *
 * // rows = streamResource({ url: () => `/api/rows/${this.id()}`, reader: ndjson<Row>(), pipe: rows => rows.pipe(scan(…)) })
 * console.log(typeof streamResource, typeof ndjson(), typeof scan) // function function function
 * ```
 */
export function streamResource<T, V = T>(
  options: StreamResourceOptions<T, V> & { readonly reader: Reader<T> },
): ResourceRef<V | undefined> {
  const { reader, call = {} } = options
  return resourceOf(options, (client, url) => client.stream(url, reader, call))
}

/**
 * Makes a resource whose value follows server-sent events: the latest event, or what `pipe` makes of them. It connects again by
 * itself, as `eventSource` does; `source` are its options.
 *
 * @example
 * ```ts
 * import '@angular/compiler' // an application that is built needs none
 * import { sseResource } from 'sluice/angular'
 *
 * // prices = sseResource({ url: () => '/api/prices', pipe: events => events.pipe(map(({ data }) => JSON.parse(data))) })
 * console.log(typeof sseResource) // function
 * ```
 */
export function sseResource<V = ServerSentEvent>(
  options: StreamResourceOptions<ServerSentEvent, V> & { readonly source?: EventSourceOptions | undefined },
): ResourceRef<V | undefined> {
  const { source = {}, call = {} } = options
  return resourceOf(
    options,
    (client, url) => eventSource(client, url, { ...call, ...source }) as Observable<ServerSentEvent>,
  )
}

function resourceOf<T, V>(
  { url, pipe, defaultValue, injector = inject(Injector) }: StreamResourceOptions<T, V>,
  open: (client: Client, url: Url) => Observable<T>,
): ResourceRef<V | undefined> {
  const client = clientIn(injector)
  return rxResource<V | undefined, Url | undefined>({
    params: url,
    stream: ({ params }) => {
      const items = open(client, params)
      // Without a pipe the items are the values.
      const values = pipe === undefined ? (items as unknown as Observable<V>) : pipe(items)
      // To Angular a stream that ends without a value is an error; to us it is an empty one.
      return values.pipe(defaultIfEmpty(defaultValue))
    },
    defaultValue,
    injector,
  })
}

function clientIn(injector: Injector): Client {
  return injector.get(SLUICE)
}
