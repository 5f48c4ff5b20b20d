/** What a header field may be, and the fields in what a user gives. */
import { shown } from './check.ts'
import { config, type HttpError } from './errors.ts'
import type { HeadersInit } from './headers.ts'

// RFC 9110 §5.6.2 (token) and §5.5 (field-value: VCHAR, SP, HTAB, obs-text).
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** Name, value, name, value … of what a user gives, each checked and read once. */
export function fieldsOf(init: HeadersInit): string[] {
  if (typeof init !== 'object' || (init as object | null) === null) throw notHeaders(init)
  const fields: string[] = []
  if (Symbol.iterator in init) {
    for (const pair of pairsOf(init as Iterable<unknown>)) {
      if (!Array.isArray(pair) || pair.length !== 2) throw notHeaders(pair)
      const name = checkedName(pair[0])
      fields.push(name, checkedValue(name, pair[1]))
    }
    return fields
  }
  for (const [name, value] of Object.entries(init)) {
    if (value === undefined) continue
    if (Array.isArray(value))
      for (const line of value as unknown[]) fields.push(checkedName(name), checkedValue(name, line))
    else fields.push(checkedName(name), checkedValue(name, value))
  }
  return fields
}

/** What came out of iterators, as of `map.entries()`: empty when read again, as a second subscription does. */
const taken = new WeakMap<object, readonly unknown[]>()

function pairsOf(init: Iterable<unknown>): Iterable<unknown> {
  if (!('next' in init)) return init
  const pairs = taken.get(init) ?? [...init]
  taken.set(init, pairs)
  return pairs
}

function notHeaders(given: unknown): HttpError {
  return config(`Headers must be an object, HttpHeaders, or pairs of a name and a value, not ${shown(given)}.`)
}

/** Wants a token. Throws `CONFIG`. */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw config(
    `${shown(name)} is not a header name; a name is made of letters, digits and !#$%&'*+-.^_\`|~ (RFC 9110).`,
  )
}

/** Wants a text that can be sent, or what becomes one; drops white space around it. Throws `CONFIG`. */
export function checkedValue(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : coerced(name, value)
  const wrong = NOT_IN_VALUE.exec(text)
  // White space around a value is no part of it (RFC 9110 §5.5), and malformed in HTTP/2 (RFC 9113 §8.2.1).
  if (wrong === null) return trimmed(text)
  const code = (text.codePointAt(wrong.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  throw config(
    `The value of header ${JSON.stringify(name)} has the character U+${code} at position ${wrong.index}, which may not be sent; encode it first, for example with encodeURIComponent().`,
  )
}

function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return end - start === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function coerced(name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw config(`The value of header ${JSON.stringify(name)} must be a string or a number, not ${shown(value)}.`)
}
