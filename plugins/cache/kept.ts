/** A kept answer: what a store gives back, read once and then asked many times. Times are milliseconds. */
import { HttpHeaders, type HttpRequest, type ResponseHead } from '../../src/index.ts'
import type { CacheMeta } from './store.ts'

/** What is written down of an answer. */
export interface KeptMeta extends CacheMeta {
  readonly v: 1
  /** The key it is kept under: what a store gives for another key is not used. */
  readonly key: string
  readonly status: number
  readonly statusText: string
  readonly httpVersion: ResponseHead['httpVersion']
  /** Name, value, name, value … */
  readonly fields: readonly string[]
  /** The fields of the request that chose it, and their values. */
  readonly vary: readonly (string | null)[]
  /** When it came, and how old it was then. */
  readonly at: number
  readonly age: number
  /** For how long it is fresh. */
  readonly life: number
  readonly whileRevalidate: number
  readonly ifError: number
  /** Never used before the server was asked. */
  readonly noCache: boolean
  /** Never used stale. */
  readonly strict: boolean
  readonly immutable: boolean
  /** Its body was thrown away: it is an answer for those only who do not want it either. */
  readonly unread: boolean
}

const VERSIONS: readonly unknown[] = ['1.0', '1.1', '2', '3'] satisfies ResponseHead['httpVersion'][]

/** An answer that can be asked how old it is, and made into one to somebody's request. */
export class Kept {
  readonly meta: KeptMeta
  readonly headers: HttpHeaders
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly #born: number

  constructor(meta: KeptMeta) {
    this.meta = meta
    this.headers = HttpHeaders.received(meta.fields)
    this.etag = this.headers.get('etag')
    this.lastModified = this.headers.get('last-modified')
    this.#born = meta.at - meta.age
  }

  /** RFC 9111 §4.2.3. A clock that was set back makes nothing younger than it was. */
  age(now: number): number {
    return Math.max(now - this.#born, this.meta.age)
  }

  /** For how long it is still fresh; below 0 for how long it has been stale. */
  ttl(now: number): number {
    return this.meta.life - this.age(now)
  }

  /** The answer to a request, with its `Age` and what the cache says of it (RFC 9211). `more` are fields for this one alone. */
  head(request: HttpRequest, now: number, status: string, more: readonly string[] = []): ResponseHead {
    const { meta } = this
    const age = String(Math.floor(this.age(now) / 1_000))
    return {
      status: meta.status,
      statusText: meta.statusText,
      headers: HttpHeaders.received([...meta.fields, ...more, 'age', age, 'cache-status', status]),
      httpVersion: meta.httpVersion,
      url: request.url,
      request,
      timings: { startedAt: now },
    }
  }
}

/** Reads what a store gives back under a key; `undefined` for what the cache did not write. */
export function keptOf(meta: CacheMeta, key: string): Kept | undefined {
  return isMeta(meta, key) ? new Kept(meta) : undefined
}

function isMeta(meta: unknown, key: string): meta is KeptMeta {
  if (typeof meta !== 'object' || meta === null) return false
  const own = new Map<string, unknown>(Object.entries(meta))
  const { fields, vary } = { fields: own.get('fields'), vary: own.get('vary') }
  return (
    own.get('v') === 1 &&
    own.get('key') === key &&
    Number.isInteger(own.get('status')) &&
    typeof own.get('statusText') === 'string' &&
    VERSIONS.includes(own.get('httpVersion')) &&
    isPairs(fields, isText) &&
    isPairs(vary, one => typeof one === 'string' || one === null) &&
    ['at', 'age', 'life', 'whileRevalidate', 'ifError', 'until'].every(name => Number.isFinite(own.get(name))) &&
    ['noCache', 'strict', 'immutable', 'unread'].every(name => typeof own.get(name) === 'boolean')
  )
}

/** What can be in a header field: it is shown to users, and a validator is sent. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}

function isPairs(value: unknown, item: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length % 2 === 0 && value.every(item)
}
