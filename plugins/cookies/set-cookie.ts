/** Reading `Set-Cookie` (RFC 6265bis §5.6): as lenient as the RFC, and no more. */
import { parseDate } from 'tough-cookie'

/** What a server said, before anybody asked whether it may. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  /** In lower case and without a dot in front; empty for the host that said it. */
  readonly domain: string
  /** True when the domain is to be the host that said it. No server can say so. */
  readonly hostOnly: boolean
  /** Missing when there was none that begins with a slash. */
  readonly path: string | undefined
  /** True when there was a `Path`, of whatever value. */
  readonly pathSaid: boolean
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: 'strict' | 'lax' | 'none' | undefined
  /** In seconds. Counts more than `expires`. */
  readonly maxAge: number | undefined
  /** In milliseconds since the epoch. */
  readonly expires: number | undefined
}

const MOST_PAIR = 4096
const MOST_ATTRIBUTE = 1024

// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/

/** Reads one line. A text says why it is ignored. */
export function parseSetCookie(line: string): SetCookie | string {
  if (CONTROL.test(line)) return 'has a control character'
  // No server can say it, but a user can.
  if (/[^\0-\xff]/.test(line)) return 'has a character that no header can have'
  const [pair, rest] = cut(line, ';')
  const equals = pair.indexOf('=')
  const name = equals < 0 ? '' : trimmed(pair.slice(0, equals))
  const value = trimmed(pair.slice(equals + 1))
  const wrong = wrongPair(name, value)
  return wrong ?? { name, value, ...attributes(rest) }
}

/** Why a name and a value cannot be those of a cookie. */
export function wrongPair(name: string, value: string): string | undefined {
  if (name === '' && value === '') return 'has neither a name nor a value'
  if (name.length + value.length > MOST_PAIR) return `is longer than ${MOST_PAIR} bytes`
  return undefined
}

type Attributes = { -readonly [K in keyof Omit<SetCookie, 'name' | 'value'>]: SetCookie[K] }

/** Of several attributes of one name the last one counts. */
function attributes(text: string): Attributes {
  const said: Attributes = {
    domain: '',
    hostOnly: false,
    path: undefined,
    pathSaid: false,
    secure: false,
    httpOnly: false,
    sameSite: undefined,
    maxAge: undefined,
    expires: undefined,
  }
  let rest = text
  while (rest !== '') {
    const [attribute, behind] = cut(rest, ';')
    rest = behind
    const [name, value] = cut(attribute, '=')
    const meant = trimmed(value)
    if (meant.length <= MOST_ATTRIBUTE) apply(said, trimmed(name).toLowerCase(), meant)
  }
  return said
}

function apply(said: Attributes, name: string, value: string): void {
  switch (name) {
    case 'expires': {
      const time = parseDate(value)?.getTime()
      if (time !== undefined) said.expires = time
      break
    }
    case 'max-age':
      if (/^-?\d+$/.test(value)) said.maxAge = Number(value)
      break
    case 'domain':
      said.domain = bareDomain(value)
      break
    case 'path':
      said.pathSaid = true
      said.path = value.startsWith('/') ? value : undefined
      break
    case 'secure':
      said.secure = true
      break
    case 'httponly':
      said.httpOnly = true
      break
    case 'samesite':
      said.sameSite = sameSite(value)
      break
    default: // Attributes nobody knows are no attributes.
  }
}

/** The whole word, or nothing: `NoneLax` is neither. */
function sameSite(value: string): SetCookie['sameSite'] {
  const word = value.toLowerCase()
  return word === 'strict' || word === 'lax' || word === 'none' ? word : undefined
}

/** A domain without the dot in front, which says nothing any more, and without the one behind, which says nothing here. */
export function bareDomain(domain: string): string {
  return domain.replace(/^\./, '').replace(/\.$/, '').toLowerCase()
}

function cut(text: string, at: string): readonly [before: string, behind: string] {
  const end = text.indexOf(at)
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)]
}

/** Spaces and tabs only: what `trim()` takes for space, too, may be half a character of UTF-8. */
function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09
}
