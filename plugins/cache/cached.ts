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
import type { Around } from './around.ts'
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
    const whose = this.#whose()
    const wish = wishOf(request.headers)
    const why = passes(request, wish.noStore)
    if (why !== undefined && (why === 'method' || !wish.onlyIfCached)) {
      const forget = (url: string): void => {
        this.#shelf.invalidate(`${whose} ${url}`, url)
      }
      return new Passing(request, why, forget, sink).over(next(request))
    }
    const around: Around = {
      shelf: this.#shelf,
      policy: this.#policy,
      options: this.#options,
      key: `${whose} ${request.url}`,
      request,
      next,
      wish,
      conditional: !wish.plain || request.headers.size > 0 ? isConditional(request.headers) : false,
    }
    const asking = new Asking(around, sink)
    return why === undefined ? asking.begin() : asking.refuse(why)
  }

  /**
   * Begins the key. Answers of a cache for one user are no answers for many, nor those a user puts together by himself answers for
   * whom we tell apart; the length keeps a partition from being mistaken for a url.
   */
  #whose(): string {
    const { partition, shared } = this.#options
    const kind = shared ? 'shared' : 'private'
    if (partition === undefined) {
      const name = this.#policy.credentials.of(this.#request)
      return `${kind} ${name.length}:${name}`
    }
    const name: unknown = partition(this.#request)
    if (typeof name !== 'string') throw config(`cache({ partition }) must return a text, not ${shown(name)}.`)
    return `${kind} named ${name.length}:${name}`
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
