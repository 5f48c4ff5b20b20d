/** The way of one request through the cache. */
import type { Unsubscribable } from 'rxjs'
import {
  config,
  run,
  shown,
  Source,
  WEB_SOCKET,
  type Handler,
  type HttpHeaders,
  type HttpRequest,
  type Sink,
} from '../../src/index.ts'
import { Asking } from './asking.ts'
import type { Policy } from './keeping.ts'
import type { CacheOptions } from './options.ts'
import { Passing } from './passing.ts'
import type { Shelf } from './shelf.ts'
import type { Forward } from './status.ts'
import { wishOf } from './wish.ts'

/** What asks for a part, or for something only the server can tell. */
const SPECIAL: ReadonlySet<string> = new Set(['range', 'if-match', 'if-unmodified-since', 'if-range'])

/** What a client runs for one request: past the cache, or through it. */
export class Cached extends Source {
  readonly #request: HttpRequest
  readonly #next: Handler
  readonly #options: CacheOptions
  readonly #policy: Policy
  readonly #shelf: Shelf

  constructor(request: HttpRequest, next: Handler, options: CacheOptions, policy: Policy, shelf: Shelf) {
    super()
    this.#request = request
    this.#next = next
    this.#options = options
    this.#policy = policy
    this.#shelf = shelf
  }

  run(sink: Sink): Unsubscribable {
    const request = this.#request
    const next = this.#next
    if (request.read(WEB_SOCKET) !== undefined) return run(next(request), sink)
    const wish = wishOf(request.headers)
    const why = passes(request, wish.noStore)
    if (why !== undefined) return new Passing(request, why, url => this.#invalidate(url), sink).over(next(request))
    const conditional = !wish.plain || request.headers.size > 0 ? isConditional(request.headers) : false
    return new Asking(
      {
        shelf: this.#shelf,
        policy: this.#policy,
        options: this.#options,
        key: this.#key(request.url),
        request,
        next,
        wish,
        conditional,
      },
      sink,
    ).begin()
  }

  #invalidate(url: string): void {
    this.#shelf.invalidate(this.#key(url))
  }

  /** Answers of a cache for one user are no answers for many; the length keeps a partition from being mistaken for a url. */
  #key(url: string): string {
    const { partition, shared } = this.#options
    const whose: unknown =
      partition === undefined ? this.#policy.credentials.of(this.#request) : partition(this.#request)
    if (typeof whose !== 'string') throw config(`cache({ partition }) must return a text, not ${shown(whose)}.`)
    return `${shared ? 'shared' : 'private'} ${whose.length}:${whose} ${url}`
  }
}

/** Why the cache has nothing to do with a request, if so. */
function passes(request: HttpRequest, noStore: boolean): Forward | undefined {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return 'method'
  if (noStore) return 'request'
  if (request.body !== undefined) return 'bypass'
  const fields = headers.flat
  for (let at = 0; at < fields.length; at += 2) if (SPECIAL.has((fields[at] ?? '').toLowerCase())) return 'bypass'
  return undefined
}

function isConditional(headers: HttpHeaders): boolean {
  return headers.has('if-none-match') || headers.has('if-modified-since')
}
