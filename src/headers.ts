/** Header fields: validated once when they are set, immutable afterwards, shown without secrets. */
import { HttpError } from './errors.ts'
import { inspectAsJson, isSensitive, redacted } from './redact.ts'

/** A value a header can be given; numbers become text, a list becomes one field line an item. */
export type HeaderValue = string | number | readonly string[] | undefined

/** Everything header fields can be made of. `undefined` leaves a field out. */
export type HeadersInit = HttpHeaders | Readonly<Record<string, HeaderValue>> | Iterable<readonly [string, string]>

// RFC 9110 §5.6.2 (token) and §5.5 (field-value: VCHAR, SP, HTAB, obs-text).
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/**
 * Holds header fields in order and case as given; names are compared without case (RFC 9110 §5.1).
 * Every change makes another `HttpHeaders`.
 *
 * Throws `HttpError` code `CONFIG` for a name that is no token and for a value with CR, LF, NUL,
 * another control character, or a character outside latin1.
 *
 * @example
 * ```ts
 * import { HttpHeaders } from 'sluice'
 *
 * const headers = HttpHeaders.of({ Accept: 'text/html' }).append('accept', 'application/json')
 * console.log(headers.get('ACCEPT')) // text/html, application/json
 * ```
 */
export class HttpHeaders implements Iterable<readonly [name: string, value: string]> {
  /** No fields. */
  static readonly none: HttpHeaders = new HttpHeaders([])

  /** Name, value, name, value … as they stand on the wire. */
  readonly #fields: readonly string[]

  private constructor(fields: readonly string[]) {
    this.#fields = fields
  }

  /** Makes header fields out of what a user gives, checking each. */
  static of(init: HeadersInit | undefined): HttpHeaders {
    if (init === undefined) return HttpHeaders.none
    return init instanceof HttpHeaders ? init : HttpHeaders.none.merge(init)
  }

  /** Takes header fields as an engine received them: name, value, name, value … without checking. */
  static received(fields: readonly string[]): HttpHeaders {
    return new HttpHeaders(fields)
  }

  /** Name, value, name, value … for engines. Do not change it. */
  get flat(): readonly string[] {
    return this.#fields
  }

  /** How many field lines there are. */
  get size(): number {
    return this.#fields.length / 2
  }

  /** The value of a field; several lines of one name are joined by a comma (RFC 9110 §5.3). */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase()
    const fields = this.#fields
    let value: string | undefined
    for (let at = 0; at < fields.length; at += 2) {
      if (same(fields[at], wanted)) value = value === undefined ? fields[at + 1] : `${value}, ${fields[at + 1] ?? ''}`
    }
    return value
  }

  /** Every line of a field, each by itself: what `Set-Cookie` needs. */
  getAll(name: string): readonly string[] {
    const wanted = name.toLowerCase()
    const values: string[] = []
    for (const [field, value] of this) if (same(field, wanted)) values.push(value)
    return values
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase()
    const fields = this.#fields
    for (let at = 0; at < fields.length; at += 2) if (same(fields[at], wanted)) return true
    return false
  }

  /** Makes headers in which the field has this value and no other. */
  set(name: string, value: string | number | readonly string[]): HttpHeaders {
    const lines = typeof value === 'object' ? value : [String(value)]
    const kept = this.has(name) ? [...this.delete(name).#fields] : [...this.#fields]
    for (const line of lines) kept.push(checkedName(name), checkedValue(name, line))
    return new HttpHeaders(kept)
  }

  /** Makes headers with one more line of the field. */
  append(name: string, value: string | number): HttpHeaders {
    return new HttpHeaders([...this.#fields, checkedName(name), checkedValue(name, value)])
  }

  /** Makes headers without the field. */
  delete(name: string): HttpHeaders {
    return this.has(name) ? this.filter(field => !same(field, name.toLowerCase())) : this
  }

  /** Makes headers with only the fields `keep` says yes to. */
  filter(keep: (name: string, value: string) => boolean): HttpHeaders {
    const kept: string[] = []
    for (const [name, value] of this) if (keep(name, value)) kept.push(name, value)
    return new HttpHeaders(kept)
  }

  /** Makes headers in which the given fields replace those of the same names. */
  merge(init: HeadersInit): HttpHeaders {
    const added: string[] = []
    for (const [name, value] of pairs(init)) added.push(checkedName(name), checkedValue(name, value))
    if (added.length === 0) return this
    if (this.#fields.length === 0) return new HttpHeaders(added)
    const names = new Set<string>()
    for (let at = 0; at < added.length; at += 2) names.add((added[at] ?? '').toLowerCase())
    return new HttpHeaders([...this.filter(name => !names.has(name.toLowerCase())).#fields, ...added])
  }

  /** Makes headers in which the fields of `defaults` stand for the names that are missing here. */
  fill(defaults: HttpHeaders): HttpHeaders {
    const fields = this.#fields
    if (fields.length === 0) return defaults
    let filled: string[] | undefined
    for (let at = 0; at < defaults.#fields.length; at += 2) {
      const name = defaults.#fields[at] ?? ''
      if (!this.has(name)) (filled ??= [...fields]).push(name, defaults.#fields[at + 1] ?? '')
    }
    return filled === undefined ? this : new HttpHeaders(filled)
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string]> {
    const fields = this.#fields
    for (let at = 0; at < fields.length; at += 2) yield [fields[at] ?? '', fields[at + 1] ?? '']
  }

  /** The fields by lower-case name, for people and logs: sensitive values are redacted. */
  toJSON(): Record<string, string> {
    const shown: Record<string, string> = Object.create(null) as Record<string, string>
    for (const [name, value] of this) {
      const key = name.toLowerCase()
      const safe = isSensitive(key) ? redacted(value) : value
      shown[key] = key in shown ? `${shown[key] ?? ''}, ${safe}` : safe
    }
    return shown
  }

  static {
    inspectAsJson(HttpHeaders.prototype)
  }
}

function same(field: string | undefined, wanted: string): boolean {
  return field !== undefined && field.length === wanted.length && (field === wanted || field.toLowerCase() === wanted)
}

function* pairs(init: HeadersInit): Iterable<readonly [string, string | number]> {
  if (Symbol.iterator in init) {
    yield* init
    return
  }
  for (const [name, value] of Object.entries(init)) {
    if (value === undefined) continue
    if (typeof value === 'object') for (const line of value) yield [name, line]
    else yield [name, value]
  }
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name
  throw new HttpError(
    'CONFIG',
    `${JSON.stringify(name)} is not a header name; a name is made of letters, digits and !#$%&'*+-.^_\`|~ (RFC 9110).`,
    { phase: 'config' },
  )
}

function checkedValue(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : coerced(name, value)
  const wrong = NOT_IN_VALUE.exec(text)
  if (wrong === null) return text
  const code = (text.codePointAt(wrong.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  throw new HttpError(
    'CONFIG',
    `The value of header ${JSON.stringify(name)} has the character U+${code} at position ${wrong.index}, which may not be sent; encode it first, for example with encodeURIComponent().`,
    { phase: 'config' },
  )
}

function coerced(name: string, value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  throw new HttpError(
    'CONFIG',
    `The value of header ${JSON.stringify(name)} must be a string or a number, not ${typeof value}.`,
    {
      phase: 'config',
    },
  )
}
