/** The pages of one subscription, one after the other: each is asked for where the one before says. */
import { map, type Observable } from 'rxjs'
import {
  describe,
  HttpError,
  linkTo,
  parseLinks,
  redactUrl,
  refused,
  shown,
  type Client,
  type HttpResponse,
  type Link,
  type Url,
} from '../../src/index.ts'
import { ask, type Asked, type Call } from '../again/asked.ts'
import { changed } from '../again/change.ts'
import type { NextPage, PaginateOptions } from './options.ts'
import { keyOf, Seen } from './seen.ts'

/** Knows how to ask for the next page. */
export class Pages {
  readonly #client: Client
  readonly #url: Url
  readonly #call: Call
  readonly #next: NonNullable<PaginateOptions['next']>
  readonly #seen = new Seen()
  /** Where the caller wanted to go: what further pages are kept to. */
  #origin = ''
  #last: HttpResponse | undefined
  #count = 0

  constructor(client: Client, url: Url, call: Call, next: PaginateOptions['next']) {
    this.#client = client
    this.#url = url
    this.#call = call
    this.#next = next ?? linked
  }

  /** The next page, cold; nothing after the last. To be asked when the one before has come, and once. */
  following(): Observable<HttpResponse> | undefined {
    const last = this.#last
    if (last === undefined) return this.#ask(this.#url, this.#call)
    const next: unknown = this.#next(last, this.#count - 1)
    if (next === undefined || next === null) return undefined
    if (typeof next === 'string' || next instanceof URL) return this.#at(this.#placeOf(next, last))
    const call = changed(this.#call, next, 'paginate({ next })')
    this.#once(keyOf(next), last)
    return this.#ask(this.#url, call)
  }

  /** A url says all there is to say: query and params of the first request are in it, as far as the server wants them. */
  #at(url: URL): Observable<HttpResponse> {
    const { query: _query, params: _params, ...call } = this.#call
    return this.#ask(url, Object.assign(Object.create(null) as Call, call))
  }

  #ask(url: Url, call: Call): Observable<HttpResponse> {
    return ask(this.#client, url, call).pipe(map(asked => this.#take(asked)))
  }

  #take({ response, url, redirected }: Asked): HttpResponse {
    if (this.#count === 0) {
      this.#origin = new URL(url).origin
      if (!redirected) this.#seen.add(keyOf(new URL(url)))
    }
    if (!response.ok) throw refused(response)
    this.#last = response
    this.#count++
    return response
  }

  /** Where a page says that the next one is, if one may go there: it was chosen by the server, and headers of the call go along. */
  #placeOf(next: string | URL, page: HttpResponse): URL {
    const url = URL.parse(next, page.url)
    if (url === null) throw wrong(page, `${shown(next)}, which is no url`)
    const { origin } = url
    // The origin of a blob: is the one it was made at.
    if (origin !== this.#origin || url.protocol === 'blob:') {
      throw wrong(
        page,
        `${redactUrl(url.href)}, which is not on ${this.#origin}, where the first one was asked for; to go there, let next() say so to a client of its own`,
      )
    }
    if (url.username !== '' || url.password !== '') throw wrong(page, 'a url with a user or password of its own')
    url.hash = ''
    this.#once(keyOf(url), page)
    return withUser(url, this.#url)
  }

  #once(key: string | undefined, page: HttpResponse): void {
    if (this.#seen.add(key)) return
    throw wrong(page, 'one that was there before, so that there would be no end')
  }
}

/** The link `next`; one that is no url as it stands, so that nobody takes it for the end of the list. */
function linked(page: HttpResponse): NextPage {
  const broken = (): Link | undefined =>
    parseLinks(page.headers.get('link') ?? '').find(({ rels, anchor }) => rels.includes('next') && anchor === undefined)
  return linkTo(page, 'next') ?? broken()?.target
}

/** User and password of the url that was given are for its origin, which the next one is on. */
function withUser(url: URL, given: Url): URL {
  const { username = '', password = '' } = URL.parse(given) ?? {}
  url.username = username
  url.password = password
  return url
}

function wrong(page: HttpResponse, what: string): HttpError {
  return new HttpError('PROTOCOL', `The answer to ${describe(page.request)} names as its next page ${what}.`, {
    phase: 'headers',
    request: page.request,
    response: page,
    requestWritten: 'yes',
  })
}
