/** Header fields: validated once when they are set, immutable afterwards, shown without secrets. */
import { checkedName, checkedValue, fieldsOf } from './field.ts'
import { inspectAsJson, isSensitive, redacted, redactUrl } from './redact.ts'

/** A value a header can be given; numbers become text, a list becomes one field line an item. */
export type HeaderValue = string | number | readonly string[] | undefined

/** Everything header fields can be made of. `undefined` leaves a field out. */
export type HeadersInit = HttpHeaders | Readonly<Record<string, HeaderValue>> | Iterable<readonly [string, string]>

const HAS_URL = /^(?:content-)?location$|^referer$/

/** Checks fields that came from a peer and are to be sent on; all others were checked when they were made. */
export let gate: (headers: HttpHeaders) => HttpHeaders

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
  static readonly none: HttpHeaders = new HttpHeaders(Object.freeze([]), true)

  /** Name, value, name, value … as they stand on the wire. */
  readonly #fields: readonly string[]
  readonly #checked: boolean
  /** Names in lower case whose values are secrets although they do not sound like it. */
  readonly #secrets: ReadonlySet<string> | undefined

  private constructor(fields: readonly string[], checked: boolean, secrets?: ReadonlySet<string>) {
    this.#fields = fields
    this.#checked = checked
    this.#secrets = secrets
  }

  /** Makes header fields out of what a user gives, checking each. */
  static of(init: HeadersInit | undefined): HttpHeaders {
    if (init === undefined) return HttpHeaders.none
    return init instanceof HttpHeaders ? init : HttpHeaders.none.merge(init)
  }

  /** Takes header fields as an engine received them: name, value, name, value … without checking. */
  static received(fields: readonly string[]): HttpHeaders {
    return new HttpHeaders(fields, false)
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
    const fields = this.#fields
    const values: string[] = []
    for (let at = 0; at < fields.length; at += 2) if (same(fields[at], wanted)) values.push(fields[at + 1] ?? '')
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
    const field = checkedName(name)
    const made = [...this.delete(field).#fields]
    if (Array.isArray(value)) for (const line of value as readonly string[]) made.push(field, checkedValue(field, line))
    else made.push(field, checkedValue(field, value))
    return new HttpHeaders(made, this.#checked, this.#secrets)
  }

  /** Makes headers in which the field has this value, which is never shown, whatever the name. */
  setSecret(name: string, value: string): HttpHeaders {
    const secrets = new Set(this.#secrets).add(checkedName(name).toLowerCase())
    return new HttpHeaders(this.set(name, value).#fields, this.#checked, secrets)
  }

  /** True for a field that was set by {@link setSecret}. */
  isSecret(name: string): boolean {
    return this.#secrets?.has(name.toLowerCase()) === true
  }

  /** Makes headers with one more line of the field. */
  append(name: string, value: string | number): HttpHeaders {
    return new HttpHeaders(
      [...this.#fields, checkedName(name), checkedValue(name, value)],
      this.#checked,
      this.#secrets,
    )
  }

  /** Makes headers without the field. */
  delete(name: string): HttpHeaders {
    if (!this.has(name)) return this
    const unwanted = name.toLowerCase()
    return this.filter(field => !same(field, unwanted))
  }

  /** Makes headers with only the fields `keep` says yes to. */
  filter(keep: (name: string, value: string) => boolean): HttpHeaders {
    const kept: string[] = []
    for (const [name, value] of this) if (keep(name, value)) kept.push(name, value)
    return new HttpHeaders(kept, this.#checked, this.#secrets)
  }

  /** Makes headers in which the given fields replace those of the same names. */
  merge(init: HeadersInit): HttpHeaders {
    const added = fieldsOf(init)
    if (added.length === 0) return this
    const secrets = both(this.#secrets, init instanceof HttpHeaders ? init.#secrets : undefined)
    if (this.#fields.length === 0) return new HttpHeaders(added, true, secrets)
    const names = new Set<string>()
    for (let at = 0; at < added.length; at += 2) names.add((added[at] ?? '').toLowerCase())
    const kept = this.filter(name => !names.has(name.toLowerCase()))
    return new HttpHeaders([...kept.#fields, ...added], this.#checked, secrets)
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
    if (filled === undefined) return this
    return new HttpHeaders(filled, this.#checked && defaults.#checked, both(this.#secrets, defaults.#secrets))
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
      const secret = isSensitive(key) || this.isSecret(key)
      const safe = secret ? redacted(value) : HAS_URL.test(key) ? redactUrl(value) : value
      shown[key] = key in shown ? `${shown[key] ?? ''}, ${safe}` : safe
    }
    return shown
  }

  static {
    inspectAsJson(HttpHeaders.prototype)
    // Headers of a second copy of the package have no field of ours to look at.
    gate = headers =>
      #checked in headers && headers.#checked
        ? headers
        : new HttpHeaders(fieldsOf(headers), true, #secrets in headers ? headers.#secrets : undefined)
  }
}

function both(
  some: ReadonlySet<string> | undefined,
  others: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  return some === undefined || others === undefined ? (some ?? others) : new Set([...some, ...others])
}

function same(field: string | undefined, wanted: string): boolean {
  return field !== undefined && field.length === wanted.length && (field === wanted || field.toLowerCase() === wanted)
}
