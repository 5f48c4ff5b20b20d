/** From what a user writes as url to the one the request is sent to, by the rules of the WHATWG URL standard. */
import { shown } from './check.ts'
import { config } from './errors.ts'
import { withQuery, type Query } from './query.ts'
import { redactUrl } from './redact.ts'
import type { Params } from './params.ts'
import { expand } from './template.ts'

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
  const { href, authorization } = strip(parse(input, parent))
  if (/[?]/.test(href))
    throw config(
      `baseUrl ${redactUrl(href)} has a query, which joining would drop; put it into defaultRequest({ query }).`,
    )
  if (!href.endsWith('/')) {
    throw config(
      `baseUrl ${redactUrl(href)} must end with a slash: joining replaces what stands after the last one (WHATWG URL). Write ${redactUrl(href)}/`,
    )
  }
  return { href, confine, authorization: authorization ?? inherited(href, parent) }
}

/** Fills templates, joins to the base, adds the query, takes user and password out. Throws `CONFIG`. */
export function resolveUrl(
  input: string | URL,
  base: BaseUrl | undefined,
  params?: Params,
  query?: Query,
): ResolvedUrl {
  if (typeof input === 'string' && query === undefined && base !== undefined && isPlain(input)) {
    const href = base.href + input
    checkLength(href)
    return { href, authorization: base.authorization }
  }
  if (typeof input === 'string' && query === undefined && base === undefined && isNormal(input)) {
    return { href: input, authorization: undefined }
  }
  const filled = typeof input === 'string' && input.includes('{') ? expand(input, params) : input
  const { href, authorization } = strip(parse(filled, base))
  if (base?.confine && !href.startsWith(base.href)) {
    throw config(
      `${redactUrl(href)} is outside the base url ${redactUrl(base.href)}. Write it relative and without a leading slash, or create the client with { confine: false } to allow any url.`,
    )
  }
  const target = query === undefined ? href : withQuery(href, query)
  checkLength(target)
  return { href: target, authorization: authorization ?? inherited(href, base) }
}

/**
 * True for relative urls, the empty one among them, of which the URL standard changes nothing: joining is then putting behind, at a fraction of
 * the cost. No scheme, no slash in front, no dot segment, nothing to encode.
 */
function isPlain(input: string): boolean {
  return input === '' || (input.length <= MAX_LENGTH && PLAIN.test(input) && !input.includes('/.'))
}

const PLAIN = /^[\w~-][\w~./-]*(?:\?[\w~.&=+-]*)?$/

/** True for absolute urls of which the URL standard changes nothing, as far as that can be seen at a glance. */
function isNormal(input: string): boolean {
  return input.length <= MAX_LENGTH && NORMAL.test(input) && !input.includes('/.')
}

const NAME = String.raw`[a-z\d]+(?:-[a-z\d]+)*` // No label with two hyphens: it may be a name in another alphabet.
const HOST = String.raw`(?:${NAME}\.)*(?=[a-z])${NAME}`
const BYTE = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
const PORT = String.raw`:(?!(?:80|443)\/)(?:[1-9]\d{0,3}|[1-5]\d{4})`
const NORMAL = new RegExp(
  String.raw`^https?:\/\/(?:${HOST}|${BYTE}(?:\.${BYTE}){3})(?:${PORT})?\/[\w~.!$&()*+,;=:@/-]*(?:\?[\w~.!$&()*+,;=:@/?%-]*)?$`,
)

/** The credentials of a base are for its own origin. */
function inherited(href: string, base: BaseUrl | undefined): string | undefined {
  if (base?.authorization === undefined) return undefined
  return new URL(href).origin === new URL(base.href).origin ? base.authorization : undefined
}

function parse(input: string | URL, base: BaseUrl | undefined): URL {
  const text = textOf(input)
  const url = URL.parse(text, base?.href)
  if (url === null) {
    const why =
      base === undefined
        ? 'is not an absolute url; give the whole url, or create the client with a baseUrl'
        : 'is not a url'
    // Nobody knows where user and password end in what is no url: everything before the last @ goes.
    throw config(`${JSON.stringify(redactUrl(text.replace(/^.*@/s, '')))} ${why}.`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw config(`${redactUrl(url.href)} has the scheme ${url.protocol} but only http: and https: can be requested.`)
  }
  return url
}

// The URL standard would drop tabs and line ends and replace halves of surrogate pairs without a word.
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const NOT_IN_URL = /[\0-\x1f\x7f\p{Surrogate}]/u

function textOf(input: unknown): string {
  if (typeof input !== 'string' && !(input instanceof URL)) {
    throw config(`A url must be a string or a URL, not ${shown(input)}.`)
  }
  const text = String(input)
  checkLength(text)
  const wrong = NOT_IN_URL.exec(text)
  if (wrong === null) return text
  const code = (text.codePointAt(wrong.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  throw config(
    `A url may not have the character U+${code} (at position ${wrong.index}); encode it, for example with encodeURIComponent().`,
  )
}

function checkLength(url: string): void {
  if (url.length <= MAX_LENGTH) return
  throw config(`The url has ${url.length} characters; at most ${MAX_LENGTH} are sent. Put the data into a body.`)
}

function strip(url: URL): ResolvedUrl {
  const bare = url.username === '' && url.password === ''
  // Not `url.hash`, which is empty for a url that ends with a bare #.
  if (bare && !url.href.includes('#')) return { href: url.href, authorization: undefined }
  const authorization = bare ? undefined : basic(url.username, url.password)
  url.username = ''
  url.password = ''
  url.hash = ''
  return { href: url.href, authorization }
}

/** RFC 7617 §2.1: user and password as UTF-8. */
function basic(username: string, password: string): string {
  const user = unescaped(username)
  if (user.includes(':')) throw config('A user in a url cannot have a colon, which ends it in Basic credentials.')
  const bytes = new TextEncoder().encode(`${user}:${unescaped(password)}`)
  return `Basic ${btoa(String.fromCharCode(...bytes))}`
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
