/** From what a user writes as url to the one the request is sent to, by the rules of the WHATWG URL standard. */
import { HttpError } from './errors.ts'
import { redactUrl } from './redact.ts'
import type { Params } from './params.ts'
import { expand } from './template.ts'

/** A value in a query; a list repeats the name, `undefined` leaves it out. */
export type QueryValue =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | readonly (string | number | bigint | boolean)[]

/** What is added to the query of a url. */
export type Query = Readonly<Record<string, QueryValue>> | URLSearchParams

/** The url a client's relative urls are joined to. */
export interface BaseUrl {
  readonly href: string
  /** Refuses urls that leave the base's origin or path. */
  readonly confine: boolean
  readonly authorization: string | undefined
}

/** A url ready to be sent to, and the credentials that stood in it as a `Basic` header value. */
export interface ResolvedUrl {
  readonly href: string
  readonly authorization: string | undefined
}

const MAX_LENGTH = 65_536

/** Checks the base url of a client. Throws `CONFIG` when nothing could be joined to it as its author expects. */
export function parseBase(input: string | URL, confine: boolean, parent?: BaseUrl): BaseUrl {
  const { href, authorization } = strip(parse(input, parent?.href))
  if (/[?]/.test(href))
    throw config(
      `baseUrl ${redactUrl(href)} has a query, which joining would drop; put it into defaultRequest({ query }).`,
    )
  if (!href.endsWith('/')) {
    throw config(
      `baseUrl ${redactUrl(href)} must end with a slash: joining replaces what stands after the last one (WHATWG URL). Write ${redactUrl(href)}/`,
    )
  }
  return { href, confine, authorization: authorization ?? parent?.authorization }
}

/** Fills templates, joins to the base, adds the query, takes user and password out. Throws `CONFIG`. */
export function resolveUrl(
  input: string | URL,
  base: BaseUrl | undefined,
  params?: Params,
  query?: Query,
): ResolvedUrl {
  const filled = typeof input === 'string' && input.includes('{') ? expand(input, params) : input
  const { href, authorization } = strip(parse(filled, base?.href))
  if (base?.confine && !href.startsWith(base.href)) {
    throw config(
      `${redactUrl(href)} is outside the base url ${redactUrl(base.href)}. Write it relative and without a leading slash, or create the client with { confine: false } to allow any url.`,
    )
  }
  const target = query === undefined ? href : withQuery(href, query)
  if (target.length > MAX_LENGTH)
    throw config(`The url has ${target.length} characters; at most ${MAX_LENGTH} are sent. Put the data into a body.`)
  return { href: target, authorization: authorization ?? base?.authorization }
}

/** Adds to the query of a url, encoded as `URLSearchParams` does. */
export function withQuery(href: string, query: Query): string {
  const added = query instanceof URLSearchParams ? query : new URLSearchParams(queryPairs(query))
  const text = added.toString()
  if (text === '') return href
  return `${href}${href.includes('?') ? (/[?&]$/.test(href) ? '' : '&') : '?'}${text}`
}

function queryPairs(query: Readonly<Record<string, QueryValue>>): string[][] {
  const pairs: string[][] = []
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? (value as readonly QueryValue[]) : [value]) {
      if (item === undefined) continue
      if ((item as unknown) === null || typeof item === 'object' || typeof item === 'function') {
        throw config(`The query value ${JSON.stringify(name)} must be a string, number, boolean or a list of those.`)
      }
      pairs.push([name, String(item)])
    }
  }
  return pairs
}

function parse(input: string | URL, base: string | undefined): URL {
  const text = String(input)
  const url = URL.parse(text, base)
  if (url === null) {
    const why =
      base === undefined
        ? 'is not an absolute url; give the whole url, or create the client with a baseUrl'
        : 'is not a url'
    throw config(`${JSON.stringify(redactUrl(text))} ${why}.`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw config(`${redactUrl(url.href)} has the scheme ${url.protocol} but only http: and https: can be requested.`)
  }
  return url
}

function strip(url: URL): ResolvedUrl {
  if (url.username === '' && url.password === '' && url.hash === '') return { href: url.href, authorization: undefined }
  const authorization = url.username === '' && url.password === '' ? undefined : basic(url.username, url.password)
  url.username = ''
  url.password = ''
  url.hash = ''
  return { href: url.href, authorization }
}

/** RFC 7617 §2.1: user and password as UTF-8. */
function basic(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${unescaped(username)}:${unescaped(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function config(message: string): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config' })
}
