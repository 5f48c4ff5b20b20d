/** Goes through what a server hands out in pages. */
import { Observable } from 'rxjs'
import {
  callback,
  count,
  optional,
  type CallOptions,
  type Check,
  type Client,
  type HttpResponse,
  type MethodOption,
  type Url,
} from '../src/index.ts'
import { split, type Checks } from './again/split.ts'
import type { PaginateOptions } from './paginate/options.ts'
import { Pages } from './paginate/pages.ts'
import { Paging, type Paged } from './paginate/paging.ts'

export type { Change } from './again/change.ts'
export type { NextPage, PaginateOptions } from './paginate/options.ts'

const atLeastOne: Check = value =>
  value === Infinity || (count(value) === undefined && value !== 0) ? undefined : 'a whole number of at least 1'

const checks: Checks<PaginateOptions<unknown, unknown>> = {
  items: optional(callback),
  next: optional(callback),
  project: optional(callback),
  concurrency: atLeastOne,
  prefetch: count,
}

/**
 * Emits the pages of a list, or with `items` what stands on them, and requests a page only when it is wanted: after the one before
 * was emitted and nobody has left, or, with `project`, when all its items are begun and there is room for another. `take(3)` of a first page
 * with three items never asks for the second. `prefetch: 1` requests a page while the one before is worked on.
 *
 * The next page is where the `Link` of the last one says (`rel="next"`, RFC 8288), or where `next` says. Each is asked for with
 * method, headers, body and plugin options of the call; a url brings its own query. It has to be on the origin the first page was asked from, and
 * inside the client's base url unless that has `confine: false`: a server must not choose where credentials go. Another origin, a user in
 * the url, a page that was there before and what is no url are `PROTOCOL`; a page that is no success is `STATUS`.
 *
 * For what fails in between, install `retry`: the pages before are not asked for again. When the client is closed before the last page, it
 * fails with `CLOSED`, because what it has is not all. Throws `CONFIG` for options that cannot be.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { paginate } from 'sluice/streams/paginate'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * paginate(client, 'pages', { items: page => page.json<{ id: number }[]>() }).subscribe(({ id }) => console.log(id)) // 6
 * ```
 */
export function paginate<const U extends Url, O = object>(
  client: Client<O>,
  // A url with params that have to be given needs options.
  url: U & (object extends CallOptions<U, O & MethodOption> ? unknown : never),
): Observable<HttpResponse>
export function paginate<T = HttpResponse, R = T, const U extends Url = Url, O = object>(
  client: Client<O>,
  url: U,
  options: PaginateOptions<T, R> & CallOptions<U, O & MethodOption>,
): Observable<R>
export function paginate(client: Client, url: Url, options?: object): Observable<unknown> {
  const defaults = { concurrency: 1, prefetch: 0 }
  const { settled, call } = split<PaginateOptions<unknown, unknown>>('paginate', options, defaults, checks)
  return new Observable(subscriber => {
    const pages = new Pages(client, url, call, settled.next)
    new Paging(pages, settled as Paged, subscriber).advance()
  })
}
