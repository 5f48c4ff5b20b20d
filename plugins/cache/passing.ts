/** Requests the cache does not answer, and what their answers say of what is kept (RFC 9111 §4.4). */
import {
  answered,
  headOf,
  isHttpError,
  notice,
  Stage,
  type HttpEvent,
  type HttpRequest,
  type ResponseHead,
  type Sink,
} from '../../src/index.ts'
import { forwarded, withStatus, type Forward } from './status.ts'

/** Methods that change nothing (RFC 9110 §9.2.1, and the registry). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH'])

/** Drops what is kept of a url. */
export type Invalidate = (url: string) => void

/** Passes an answer on, and invalidates what it says has changed. */
export class Passing extends Stage {
  readonly #request: HttpRequest
  readonly #why: Forward
  readonly #invalidate: Invalidate
  /** True as long as the server may still do what nobody will hear of. */
  #open: boolean

  constructor(request: HttpRequest, why: Forward, invalidate: Invalidate, out: Sink) {
    super(out)
    this.#request = request
    this.#why = why
    this.#invalidate = invalidate
    this.#open = !SAFE.has(request.method)
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    if (!answered(event)) {
      super.next(event)
      return
    }
    const head = headOf(event)
    if (this.#open) {
      this.#open = false
      this.#changed(head)
    }
    if (!this.closed) super.next(withStatus(event, head, forwarded(this.#why)))
  }

  override error(error: unknown): void {
    if (isHttpError(error) && error.requestWritten === 'no') this.#open = false
    super.error(error)
  }

  // Whoever leaves, or hears of an error in place of an answer, does not know what the server has done by then.
  override unsubscribe(): void {
    super.unsubscribe()
    if (!this.#open) return
    this.#open = false
    this.#invalidate(this.#request.url)
  }

  #changed(head: ResponseHead): void {
    if (head.status < 200 || head.status > 399) return
    const { url } = this.#request
    const urls = new Set([url])
    for (const field of ['location', 'content-location']) {
      const place = URL.parse(head.headers.get(field) ?? '', url)
      // Another origin's answers are not for this one to drop.
      if (place?.origin !== new URL(url).origin || !head.headers.has(field)) continue
      place.hash = ''
      urls.add(place.href)
    }
    for (const one of urls) this.#invalidate(one)
    super.next(notice('cache', 'invalidated', { urls: urls.size }))
  }
}
