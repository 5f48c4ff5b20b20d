/** One request to the cache, from looking for an answer to having one. */
import type { Unsubscribable } from 'rxjs'
import {
  clock,
  DEADLINE,
  DISCARD,
  HttpHeaders,
  HttpResponse,
  isHttpError,
  LIVE,
  notice,
  REPORT,
  type HttpEvent,
  type HttpRequest,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import { isCommon, needsNoBody, type Around } from './around.ts'
import { Fetching } from './fetching.ts'
import { Flight, type Follower } from './flight.ts'
import type { Kept } from './kept.ts'
import type { Found } from './shelf.ts'
import { forwarded, hit, type Forward } from './status.ts'
import type { CacheEntry } from './store.ts'
import { helpsOut, useOf, type Use } from './use.ts'
import { userHas } from './validation.ts'
import { matches } from './vary.ts'

const EMPTY = new Uint8Array(0)

/** Answers one request. */
export class Asking implements Follower, Unsubscribable {
  readonly #around: Around
  readonly #out: Sink
  #running: Unsubscribable | undefined
  #leave: (() => void) | undefined
  #why: Forward = 'uri-miss'
  /** True when waiting for another one has brought nothing: once is enough. */
  #alone = false
  #over = false

  constructor(around: Around, out: Sink) {
    this.#around = around
    this.#out = out
  }

  begin(): this {
    const { shelf, key } = this.#around
    this.#leave = shelf.store.list(key, entries => {
      if (!this.#over) this.#looked(entries)
    })
    return this
  }

  /** Answers one that may not be sent, and that nothing kept can answer. */
  refuse(why: Forward): this {
    this.#answer('miss', { because: 'only-if-cached' }, timeout(this.#around.request, why), EMPTY)
    return this
  }

  unsubscribe(): void {
    this.#over = true
    this.#leave?.()
    this.#running?.unsubscribe()
  }

  landed(kept: Kept | undefined, bytes: Uint8Array, helpedOut: boolean): void {
    if (this.#over) return
    this.#running = undefined
    const now = clock.now()
    if (kept !== undefined && this.#isFor(kept, now, helpedOut)) {
      const head = kept.head(this.#around.request, now, forwarded(this.#why, undefined, '; collapsed'))
      this.#answer('collapsed', { ttl: kept.ttl(now) }, head, bytes.slice())
      return
    }
    this.#alone = true
    this.begin()
  }

  failed(error: unknown): void {
    if (this.#over) return
    this.#over = true
    const { request } = this.#around
    this.#out.error(isHttpError(error) ? error.with({ request, attempt: request.attempt }) : error)
  }

  #looked(entries: readonly CacheEntry[]): void {
    const { shelf, key, request, wish } = this.#around
    const found = entries.length === 0 ? 'none' : shelf.select(entries, key, request)
    if (typeof found === 'string') {
      this.#forward(found === 'none' ? 'uri-miss' : 'vary-miss', undefined)
      return
    }
    const now = clock.now()
    const use = useOf(found.kept, wish, now)
    const { noCache } = found.kept.meta
    if (found.kept.meta.unread && !needsNoBody(this.#around, found.kept)) this.#forward('miss', undefined)
    else if (use === 'ask') this.#forward(found.kept.ttl(now) > 0 && !noCache ? 'request' : 'stale', found)
    else this.#serve(found, use, now)
  }

  #serve(found: Found, use: Use, now: number): void {
    const { kept, entry } = found
    const { request, conditional, shelf } = this.#around
    const notModified = conditional && userHas(request.headers, kept, now)
    if (notModified || request.method === 'HEAD') this.#hit(found, use, now, EMPTY, notModified)
    else {
      this.#leave = shelf.store.body(entry, bytes => {
        if (this.#over) return
        if (bytes !== undefined) this.#hit(found, use, now, bytes)
        else {
          shelf.store.remove(this.#around.key, entry.id)
          this.#forward('uri-miss', undefined)
        }
      })
    }
    if (use === 'while' && !this.#around.wish.onlyIfCached) this.#revalidate(found)
  }

  #hit({ kept }: Found, use: Use, now: number, bytes: Uint8Array, notModified = false): void {
    const ttl = kept.ttl(now)
    const head = kept.head(this.#around.request, now, hit(ttl))
    const answer: ResponseHead = notModified ? { ...head, status: 304, statusText: 'Not Modified' } : head
    if (use === 'fresh') this.#answer('hit', { ttl }, answer, bytes)
    else
      this.#answer('stale', { ttl, because: use === 'stale' ? 'max-stale' : 'stale-while-revalidate' }, answer, bytes)
  }

  #forward(why: Forward, found: Found | undefined): void {
    const around = this.#around
    const { wish, shelf, key, request } = around
    this.#why = why
    if (wish.onlyIfCached) {
      this.refuse(why)
      return
    }
    const out = this.#out
    const common = !this.#alone && isCommon(around)
    const flight = common ? shelf.flight(key) : undefined
    if (flight?.fits(request) === true) {
      this.#running = { unsubscribe: () => flight.leave(this) }
      flight.join(this)
      return
    }
    out.next(notice('cache', found === undefined ? 'miss' : 'validating', { because: why }))
    if (this.#isOver() || out.closed) return
    const leads = common && flight === undefined && !shelf.isAlone(key)
    const running = leads ? new Flight(around, found, why, out) : new Fetching(around, found, why, out)
    this.#running = running
    running.begin()
  }

  /** Asks the server in the background whether what is used meanwhile still holds. */
  #revalidate(found: Found): void {
    const { request, shelf, key } = this.#around
    const live = request.read(LIVE) === true
    const around: Around = {
      ...this.#around,
      conditional: false,
      request: request
        .with({ method: 'GET', headers: request.headers.delete('if-none-match').delete('if-modified-since') })
        .note(DISCARD, ({ status }) => status >= 500)
        .note(DEADLINE, Infinity),
    }
    shelf.inBackground(key, done => {
      const nobody = new Nobody(around, done)
      return (live ? new Fetching(around, found, 'stale', nobody) : new Flight(around, found, 'stale', nobody)).begin()
    })
  }

  /** Whether what somebody else was answered answers this request, too. */
  #isFor(kept: Kept, now: number, helpedOut: boolean): boolean {
    const { request, wish, options } = this.#around
    if (!matches(kept.meta.vary, request.headers)) return false
    if (kept.meta.unread && !needsNoBody(this.#around, kept)) return false
    return useOf(kept, wish, now) === 'fresh' || (helpedOut && helpsOut(kept, wish, now, options.staleIfError))
  }

  #answer(name: string, detail: Readonly<Record<string, unknown>>, head: ResponseHead, bytes: Uint8Array): void {
    const out = this.#out
    out.next(notice('cache', name, detail))
    if (this.#over || out.closed) return
    out.next({ type: 'response', response: new HttpResponse({ head, bytes }) })
    if (this.#isOver()) return
    this.#over = true
    out.complete()
  }

  #isOver(): boolean {
    return this.#over
  }
}

/** Listens to what runs in the background, tells those who watch the client, and ends it when more comes than can be kept. */
class Nobody implements Sink {
  closed = false
  readonly #around: Around
  readonly #done: () => void
  #came = 0

  constructor(around: Around, done: () => void) {
    this.#around = around
    this.#done = done
  }

  next(event: HttpEvent): void {
    const { request, options } = this.#around
    if (event.type === 'notice') {
      const { plugin, name, detail } = event
      request.read(REPORT)?.({ type: 'notice', request, plugin, name, detail })
    } else if (event.type === 'chunk') {
      this.#came += event.bytes.length
      if (this.#came > options.maxEntry) this.complete()
    }
  }

  error(): void {
    this.complete()
  }

  complete(): void {
    this.closed = true
    this.#done()
  }
}

/** RFC 9111 §5.2.1.7. */
function timeout(request: HttpRequest, why: Forward): ResponseHead {
  return {
    status: 504,
    statusText: 'Gateway Timeout',
    headers: HttpHeaders.received(['content-length', '0', 'cache-status', `${forwarded(why)}; detail=only-if-cached`]),
    httpVersion: '1.1',
    url: request.url,
    request,
    timings: { startedAt: clock.now() },
  }
}
