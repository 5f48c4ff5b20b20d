/** What a user holds in hand: turns method and url into an Observable, and ends what it began. */
import type { Observable } from 'rxjs'
import type { Body } from './body.ts'
import { milliseconds, shown } from './check.ts'
import type { ChildOptions, Client, Url } from './client.ts'
import type { Cookie } from './cookie.ts'
import { config, HttpError } from './errors.ts'
import type { HttpEvent } from './events.ts'
import { everything, live, whole, type Parts } from './execute.ts'
import { explain } from './explain.ts'
import { closedError, type CloseReport } from './lifetime.ts'
import type { MonitorEvent } from './monitor.ts'
import { own } from './own.ts'
import type { AnyPlugin } from './plugin.ts'
import type { HttpResponse } from './response.ts'
import type { Reader } from './streaming.ts'
import { resolveUrl } from './url.ts'

/** Makes the parts of a child out of its parent's. */
export type ChildOf = (parent: Parts, options: ChildOptions) => Parts

/** Of what type values of answers are is said by the types of a client: here they are of any. */
type Answering = Observable<HttpResponse<never>>

/** A client, whatever its plugins: the types of its options are seen to by `createClient`. */
export class OpenClient implements Client {
  readonly #parts: Parts
  readonly #childOf: ChildOf

  constructor(parts: Parts, childOf: ChildOf) {
    this.#parts = parts
    this.#childOf = childOf
  }

  get(url: Url, options?: object): Answering {
    return this.#whole('GET', url, options)
  }
  head(url: Url, options?: object): Answering {
    return this.#whole('HEAD', url, options)
  }
  delete(url: Url, options?: object): Answering {
    return this.#whole('DELETE', url, options)
  }
  options(url: Url, options?: object): Answering {
    return this.#whole('OPTIONS', url, options)
  }
  post(url: Url, body?: Body, options?: object): Answering {
    return this.#whole('POST', url, options, body)
  }
  put(url: Url, body?: Body, options?: object): Answering {
    return this.#whole('PUT', url, options, body)
  }
  patch(url: Url, body?: Body, options?: object): Answering {
    return this.#whole('PATCH', url, options, body)
  }
  query(url: Url, body?: Body, options?: object): Answering {
    return this.#whole('QUERY', url, options, body)
  }
  request(method: string, url: Url, options?: object): Answering {
    return this.#whole(method, url, options)
  }

  events(url: Url, options?: object): Observable<HttpEvent> {
    return everything(this.#parts, { method: undefined, url, body: undefined, options })
  }

  stream<T>(url: Url, reader: Reader<T>, options?: object): Observable<T> {
    return live(this.#parts, { method: undefined, url, body: undefined, options }, reader)
  }

  with(...plugins: readonly AnyPlugin[]): Client {
    return this.extend({ plugins })
  }

  extend(options: ChildOptions): Client {
    return new OpenClient(this.#childOf(this.#parts, options), this.#childOf)
  }

  async cookies(url: Url): Promise<readonly Cookie[]> {
    const { base, stack, lifetime } = this.#parts
    const { href } = resolveUrl(url, base)
    // What was never loaded is not loaded for a client that has ended.
    if (stack.now === undefined && lifetime.closed) throw closedError({ id: 0, method: 'GET', url: href })
    const kept = (stack.now ?? (await stack.load())).provided('cookies')
    if (kept === undefined) {
      throw config(
        "This client keeps no cookies. Install the plugin that does: cookies() of 'sluice/plugins/cookies', as in createClient({ plugins: recommended(cookies()) }).",
      )
    }
    return kept(href)
  }

  explain(): string {
    const { base, planned, stack, engine } = this.#parts
    return explain({ baseUrl: base?.href, plugins: stack.now?.plugins ?? planned, engine: engine.now?.name })
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

  async close(options: { readonly drain?: number | undefined } = {}): Promise<CloseReport> {
    const { drain } = own(options)
    const wanted = drain === undefined ? undefined : milliseconds(drain)
    if (wanted !== undefined) {
      throw new HttpError('CONFIG', `close({ drain }) must be ${wanted}, not ${shown(drain)}.`, { phase: 'config' })
    }
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

  #whole(method: string, url: Url, options: object | undefined, body?: Body): Answering {
    return whole(this.#parts, { method, url, body, options }) as Answering
  }
}
