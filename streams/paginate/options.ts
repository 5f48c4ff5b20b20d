/** What can be said of paging. */
import type { ObservableInput } from 'rxjs'
import type { HttpResponse } from '../../src/index.ts'
import type { Change } from '../again/change.ts'

/** Where the next page is: a url, as it stands in the last one, or what its request has otherwise. Nothing: that was the last. */
export type NextPage = string | URL | Change | undefined | null

/** Options of `paginate`, beside those of the call for the first page. Bad input throws `CONFIG`. */
export interface PaginateOptions<T = HttpResponse, R = T> {
  /** Takes the items out of a page; they are emitted one by one. Not asked of a 204 or 205. Default: pages are emitted as they are. */
  readonly items?: ((page: HttpResponse) => Iterable<T>) | undefined
  /**
   * Says where the next page is: a url, taken relative to the page's own; or a change of the first request, such as
   * `{ query: { cursor } }`; or nothing after the last page. `index` counts the pages from 0. Default: the link `next` of
   * the page (`Link`, RFC 8288).
   */
  readonly next?: ((page: HttpResponse, index: number) => NextPage) | undefined
  /**
   * Called with each item, or page; what it returns is emitted in its place. The next page is requested when there is a free place and no
   * item left. `index` counts from 0. Default: none, a page is emitted in one go and the next one requested then.
   */
  readonly project?: ((item: T, index: number) => ObservableInput<R>) | undefined
  /** How many of the projector's results may run at the same time, at least 1. Default 1: in order, one after the other. */
  readonly concurrency?: number | undefined
  /** How many pages are requested before they are needed. Default 0: none is requested in vain. */
  readonly prefetch?: number | undefined
}
